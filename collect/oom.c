#include "links.h"
const struct link_view view_oom = {.name = "oom"};
