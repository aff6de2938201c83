/* What works on images in the order in which oneDNN's convolutions leave them, against the C references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backends/registry.h"
#include "fake/rig.h"

#include "backends/cpu/network_fixture_template.h"

/* With and without oneDNN. */
static void expect(const net_t *net) {
  for (int vendor = 0; vendor < 2; ++vendor) {
    or_rig_t rig;
    or_backend_settings_t settings = {
        .cpu_isa = "", .system_root = "", .cache_directory = "", .threads = 2, .vendor_libraries = vendor != 0};
    net_ok(or_rig_open(&rig, or_allocator_system(), or_backend_cpu_entry, &settings));
    net_expect_reference(net, rig.devices[0], 1e-4);
    or_rig_close(&rig);
    assert_int_equal(or_status_live_count(), 0);
  }
}

static or_value_id_t conv(net_t *net, or_value_id_t x, or_value_id_t w) {
  return net_done(net, net_node(net, "Conv", 11, NET_IDS(x, w)));
}

static or_value_id_t along_channels(net_t *net, const char *op, int version, const or_value_id_t *inputs,
                                    size_t count) {
  or_node_t *node = net_node(net, op, version, inputs, count);
  net_int(node, "axis", 1);
  return net_done(net, node);
}

/* Squeeze and excitation (Hu et al., 2018): images times a factor a channel that is made of their means. */
static void scales_channels_by_their_means(void **state) {
  (void)state;
  static const int64_t plane[2] = {2, 3};
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 3, 9, 7));
  or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(16, 3, 3, 3));
  or_value_id_t w1 = net_constant(&net, OR_FLOAT32, NET_SHAPE(16, 16, 1, 1));
  or_value_id_t a = net_simple(&net, "HardSwish", 14, NET_IDS(conv(&net, x, w)));
  or_node_t *mean = net_node(&net, "ReduceMean", 13, NET_IDS(a));
  net_ints(mean, "axes", plane, 2);
  or_value_id_t gate = net_simple(&net, "HardSigmoid", 6, NET_IDS(conv(&net, net_done(&net, mean), w1)));
  or_value_id_t left = net_simple(&net, "Mul", 14, NET_IDS(gate, a)),
                right = net_simple(&net, "Mul", 14, NET_IDS(a, gate));
  or_value_id_t sum = net_simple(&net, "Sub", 14, NET_IDS(conv(&net, left, w1), right));
  net_output(&net, conv(&net, sum, w1));
  net_output(&net, right); /* read again: not overwritten */
  expect(&net);
  net_deinit(&net);
}

static void adds_what_lies_otherwise(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 16, 6, 5));
  or_value_id_t pixels = net_input(&net, OR_FLOAT32, NET_SHAPE(6, 5));
  or_value_id_t wide = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 2, 16, 6, 5));
  or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(16, 16, 1, 1));
  or_value_id_t a = conv(&net, x, w);
  or_value_id_t b = net_simple(&net, "Add", 14, NET_IDS(x, a));      /* row-major, and channels last */
  or_value_id_t c = net_simple(&net, "Mul", 14, NET_IDS(pixels, b)); /* one factor a pixel */
  or_value_id_t d = net_simple(&net, "Mul", 14, NET_IDS(c, c));
  net_output(&net, conv(&net, d, w));
  net_output(&net, net_simple(&net, "Add", 14, NET_IDS(wide, a))); /* of another rank */
  net_output(&net, a);
  expect(&net);
  net_deinit(&net);
}

/* Signals go through oneDNN as images of one row, and lie with channels last as those do. */
static void adds_signals_as_convolutions_leave_them(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 16, 750));
  or_value_id_t row = net_input(&net, OR_FLOAT32, NET_SHAPE(746));
  or_value_id_t channel = net_input(&net, OR_FLOAT32, NET_SHAPE(64, 1));
  or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(64, 16, 5));
  or_value_id_t a = net_simple(&net, "Relu", 14, NET_IDS(conv(&net, x, w)));
  or_value_id_t b = net_simple(&net, "Tanh", 13, NET_IDS(a));
  or_value_id_t c = net_simple(&net, "Add", 14, NET_IDS(a, b));
  or_value_id_t d = net_simple(&net, "Mul", 14, NET_IDS(row, c));     /* one factor a sample */
  or_value_id_t e = net_simple(&net, "Sub", 14, NET_IDS(d, channel)); /* one summand a channel */
  net_output(&net, e);
  net_output(&net, b);
  expect(&net);
  net_deinit(&net);
}

/* Long rows and single columns: where oneDNN takes much memory or much time, it is not asked. */
static void long_signals_and_columns_are_products_of_our_own(void **state) {
  (void)state;
  for (int column = 0; column < 2; ++column) {
    or_rig_t rig;
    net_run_t run;
    net_t net;
    static const int64_t pads[4] = {3, 0, 1, 0}, two[2] = {2, 2}, strides[2] = {3, 1};
    or_backend_settings_t settings = {
        .cpu_isa = "", .system_root = "", .cache_directory = "", .threads = 2, .vendor_libraries = true};
    net_init(&net);
    or_value_id_t x = net_input(&net, OR_FLOAT32, column ? NET_SHAPE(2, 16, 70, 1) : NET_SHAPE(1, 16, 1100));
    or_value_id_t w = net_constant(&net, OR_FLOAT32, column ? NET_SHAPE(32, 16, 4, 1) : NET_SHAPE(32, 16, 4));
    or_node_t *node = net_node(&net, "Conv", 11, NET_IDS(x, w));
    if (column) net_ints(node, "pads", pads, 4);
    if (column) net_ints(node, "dilations", two, 2);
    if (column) net_ints(node, "strides", strides, 2);
    net_output(&net, net_done(&net, node));
    expect(&net);
    net_ok(or_rig_open(&rig, or_allocator_system(), or_backend_cpu_entry, &settings));
    net_compile(&net, rig.devices[0], &run);
    assert_null(strstr(net_kernel(&run, 0), "onednn"));
    net_run_deinit(&run);
    or_rig_close(&rig);
    net_deinit(&net);
  }
}

static void joins_channels_and_normalises_them(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 3, 8, 5));
  or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(16, 3, 3, 3));
  or_value_id_t v = net_constant(&net, OR_FLOAT32, NET_SHAPE(20, 3, 3, 3));
  or_value_id_t last = net_constant(&net, OR_FLOAT32, NET_SHAPE(5, 36, 1, 1));
  or_value_id_t statistics[4];
  for (int i = 0; i < 4; ++i) {
    statistics[i] = net_constant(&net, OR_FLOAT32, NET_SHAPE(36));
    net_positive(&net, statistics[i]);
  }
  or_value_id_t a = conv(&net, x, w), b = conv(&net, x, v);
  or_value_id_t joined = along_channels(&net, "Concat", 13, NET_IDS(a, b));
  or_value_id_t normal =
      net_done(&net, net_node(&net, "BatchNormalization", 15,
                              NET_IDS(joined, statistics[0], statistics[1], statistics[2], statistics[3])));
  or_value_id_t y = conv(&net, net_simple(&net, "Relu", 14, NET_IDS(normal)), last);
  net_output(&net, along_channels(&net, "Concat", 13, NET_IDS(y, y, y))); /* twice the same, and an output */
  net_output(&net, along_channels(&net, "Concat", 13, NET_IDS(a, net_simple(&net, "Neg", 13, NET_IDS(joined)))));
  expect(&net);
  net_deinit(&net);
}

static void cuts_channels(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 3, 8, 5));
  or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(32, 3, 1, 1));
  or_value_id_t v = net_constant(&net, OR_FLOAT32, NET_SHAPE(7, 16, 3, 3));
  or_value_id_t a = conv(&net, x, w);
  or_node_t *split = net_node(&net, "Split", 2, &a, 1);
  net_int(split, "axis", 1);
  split->output_count = 2;
  or_value_id_t halves[2];
  for (int i = 0; i < 2; ++i) {
    halves[i] = net_value(&net, OR_FLOAT32, NET_SHAPE(2, 16, 8, 5));
    ((or_value_id_t *)(uintptr_t)split->outputs)[i] = halves[i];
  }
  net_output(&net, conv(&net, halves[1], v));
  net_output(&net, halves[0]);
  net_output(&net, halves[1]);
  expect(&net);
  net_deinit(&net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scales_channels_by_their_means),
      cmocka_unit_test(adds_what_lies_otherwise),
      cmocka_unit_test(adds_signals_as_convolutions_leave_them),
      cmocka_unit_test(long_signals_and_columns_are_products_of_our_own),
      cmocka_unit_test(joins_channels_and_normalises_them),
      cmocka_unit_test(cuts_channels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
