#include "backends/opencl/program_internal.h"

#define X(name) extern const or_cl_family_t or_cl_family_##name;
#include "backends/opencl/families_list.h"
#undef X

#define X(name) &or_cl_family_##name,
const or_cl_family_t *const or_cl_families[] = {
#include "backends/opencl/families_list.h"
    NULL,
};
#undef X

const or_cl_family_t *or_cl_family_find(const or_cl_device_t *device, const or_node_view_t *view, size_t *index) {
  for (; or_cl_families[*index] != NULL; ++*index) {
    if (or_cl_families[*index]->match(device, view)) return or_cl_families[*index];
  }
  return NULL;
}
