#include "backends/cpu/families_internal.h"

/* Best first. oneDNN's rows take a node only where the library is there. */
const or_cpu_family_t *const or_cpu_families[] = {
    &or_cpu_family_alias,
    &or_cpu_family_dnnl_conv,
    &or_cpu_family_conv,
    &or_cpu_family_conv_volume,
    &or_cpu_family_conv_transpose,
    &or_cpu_family_matmul,
    &or_cpu_family_matmul_integer,
    &or_cpu_family_conv_integer,
    &or_cpu_family_pool,
    &or_cpu_family_pointwise,
    &or_cpu_family_softmax,
    &or_cpu_family_norm,
    &or_cpu_family_instance_norm,
    &or_cpu_family_reduce,
    &or_cpu_family_transpose,
    &or_cpu_family_move,
    &or_cpu_family_gather_elements,
    &or_cpu_family_resize,
    &or_cpu_family_cast,
    &or_cpu_family_quantize,
    &or_cpu_family_dynamic_quantize,
    &or_cpu_family_vector,
    &or_cpu_family_add_norm,
    &or_cpu_family_embedding,
    &or_cpu_family_attention,
    &or_cpu_family_recurrent,
    &or_cpu_family_fft,
    &or_cpu_family_reference,
    NULL,
};

const or_cpu_family_t *or_cpu_family_find(const or_cpu_device_t *device, const or_node_view_t *view, size_t *index) {
  for (; or_cpu_families[*index] != NULL; ++*index) {
    if (or_cpu_families[*index]->match(device, view)) return or_cpu_families[*index];
  }
  return NULL;
}
