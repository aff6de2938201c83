/* Convolutions, pools and normalisations of float16 and bfloat16: by our own kernels, against the C references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backends/registry.h"
#include "fake/rig.h"

#include "backends/cpu/network_fixture_template.h"

static const struct {
  or_dtype_t dtype;
  double tolerance;
} types[] = {{OR_FLOAT16, 4e-3}, {OR_BFLOAT16, 3e-2}};
#define TYPES (sizeof types / sizeof *types)
static const char *const levels[] = {"portable", "avx2", ""};
#define LEVELS (sizeof levels / sizeof *levels)

/* `own`: by kernels of ours, not by the reference. */
static void expect(const net_t *net, double tolerance, bool own) {
  for (size_t i = 0; i < LEVELS; ++i) {
    or_rig_t rig;
    net_run_t run;
    or_backend_settings_t settings = {
        .cpu_isa = levels[i], .system_root = "", .cache_directory = "", .threads = 2, .vendor_libraries = true};
    if (strcmp(levels[i], "portable") == 0) settings.vendor_libraries = false;
    net_ok(or_rig_open(&rig, or_allocator_system(), or_backend_cpu_entry, &settings));
    net_expect_reference(net, rig.devices[0], tolerance);
    net_compile(net, rig.devices[0], &run);
    for (uint32_t n = 0; n < net->graph.node_count; ++n) {
      assert_int_equal(strcmp(net_kernel(&run, n), "reference") != 0, own);
    }
    net_run_deinit(&run);
    or_rig_close(&rig);
    assert_int_equal(or_status_live_count(), 0);
  }
}

/* As resnets have it: with bias, what is added, and an activation; then once without any of it. */
static void convolves_16_bit_images_by_kernels_of_our_own(void **state) {
  (void)state;
  for (size_t t = 0; t < TYPES; ++t) {
    const or_dtype_t dtype = types[t].dtype;
    static const int64_t pads[4] = {1, 1, 1, 1};
    net_t net;
    net_init(&net);
    or_value_id_t x = net_input(&net, dtype, NET_SHAPE(2, 3, 9, 11));
    or_value_id_t residual = net_input(&net, dtype, NET_SHAPE(2, 8, 9, 11));
    or_value_id_t w = net_constant(&net, dtype, NET_SHAPE(8, 3, 3, 3));
    or_value_id_t bias = net_constant(&net, dtype, NET_SHAPE(8));
    or_value_id_t v = net_constant(&net, dtype, NET_SHAPE(8, 1, 3, 3)); /* one filter a channel */
    or_node_t *node = net_node(&net, "Conv", 22, NET_IDS(x, w, bias));
    net_ints(node, "pads", pads, 4);
    or_value_id_t sum = net_simple(&net, "Add", 14, NET_IDS(net_done(&net, node), residual));
    or_value_id_t y = net_simple(&net, "Relu", 14, NET_IDS(sum));
    net_fuse(&net, 3);
    node = net_node(&net, "Conv", 22, NET_IDS(y, v));
    net_int(node, "group", 8);
    net_output(&net, net_done(&net, node));
    net_output(&net, y);
    expect(&net, types[t].tolerance, true);
    net_deinit(&net);
  }
}

/* Weights that only the run knows: the reference has them. */
static void weights_that_are_not_known_are_left_to_the_reference(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT16, NET_SHAPE(1, 2, 5, 5));
  or_value_id_t w = net_input(&net, OR_FLOAT16, NET_SHAPE(3, 2, 2, 2));
  net_output(&net, net_done(&net, net_node(&net, "Conv", 22, NET_IDS(x, w))));
  expect(&net, 4e-3, false);
  net_deinit(&net);
}

static void pools_16_bit_images_by_kernels_of_our_own(void **state) {
  (void)state;
  static const char *const ops[] = {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"};
  for (size_t i = 0; i < TYPES * 4; ++i) {
    static const int64_t two[2] = {2, 2}, pads[4] = {1, 0, 1, 1};
    net_t net;
    net_init(&net);
    or_value_id_t x = net_input(&net, types[i % TYPES].dtype, NET_SHAPE(2, 3, 9, 11));
    or_node_t *node = net_node(&net, ops[i / TYPES], 22, &x, 1);
    if (i / TYPES < 2) net_ints(node, "kernel_shape", two, 2);
    if (i / TYPES < 2) net_ints(node, "pads", pads, 4);
    net_output(&net, net_done(&net, node));
    expect(&net, types[i % TYPES].tolerance, true);
    net_deinit(&net);
  }
}

static void normalises_16_bit_images_by_kernels_of_our_own(void **state) {
  (void)state;
  for (size_t i = 0; i < TYPES * 3; ++i) { /* by channel; by groups, with a scale a group, and one a channel */
    const or_dtype_t dtype = types[i % TYPES].dtype;
    const int form = (int)(i / TYPES), version = form == 1 ? 18 : 21;
    net_t net;
    net_init(&net);
    or_value_id_t x = net_input(&net, dtype, NET_SHAPE(2, 6, 9, 11));
    or_value_id_t scale = net_constant(&net, dtype, form == 1 ? NET_SHAPE(3) : NET_SHAPE(6));
    or_value_id_t bias = net_input(&net, dtype, form == 1 ? NET_SHAPE(3) : NET_SHAPE(6));
    or_node_t *node = net_node(&net, form == 0 ? "InstanceNormalization" : "GroupNormalization",
                               form == 0 ? 22 : version, NET_IDS(x, scale, bias));
    if (form > 0) net_int(node, "num_groups", 3);
    net_output(&net, net_done(&net, node));
    expect(&net, types[i % TYPES].tolerance, true);
    net_deinit(&net);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(convolves_16_bit_images_by_kernels_of_our_own),
      cmocka_unit_test(weights_that_are_not_known_are_left_to_the_reference),
      cmocka_unit_test(pools_16_bit_images_by_kernels_of_our_own),
      cmocka_unit_test(normalises_16_bit_images_by_kernels_of_our_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
