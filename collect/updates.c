#include "links.h"
const struct link_view view_updates = {.name = "updates"};
