#include "links.h"
const struct link_view view_fences = {.name = "fences"};
