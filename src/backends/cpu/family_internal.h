#ifndef OR_BACKENDS_CPU_FAMILY_INTERNAL_H
#define OR_BACKENDS_CPU_FAMILY_INTERNAL_H
/* The table of kernel families, best first; the last runs the catalogue's C reference and takes everything. */

#include "backends/cpu/program_internal.h"

typedef struct or_cpu_family_t {
  const char *name;
  /* True if this family runs the node on this device. Pure; any thread. */
  bool (*match)(const or_cpu_device_t *device, const or_node_view_t *view);
  /* Adds the node's steps. UNIMPLEMENTED: the next family in the table is asked (nothing was added yet). */
  or_status_t (*prepare)(or_cpu_build_t *build, const or_node_view_t *view);
} or_cpu_family_t;

/* NULL ends the table. */
extern const or_cpu_family_t *const or_cpu_families[];
/* The first at or after *index that takes the node, its index in *index; NULL if none does. */
const or_cpu_family_t *or_cpu_family_find(const or_cpu_device_t *device, const or_node_view_t *view, size_t *index);

#endif
