/* Convolutions over three dimensions, against the C reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backends/registry.h"
#include "fake/rig.h"

#include "backends/cpu/network_fixture_template.h"

static void expect(const net_t *net, bool own) {
  static const char *const levels[] = {"portable", "avx2", ""};
  for (size_t i = 0; i < sizeof levels / sizeof *levels; ++i) {
    or_rig_t rig;
    net_run_t run;
    or_backend_settings_t settings = {.cpu_isa = levels[i], .system_root = "", .cache_directory = "", .threads = 2};
    net_ok(or_rig_open(&rig, or_allocator_system(), or_backend_cpu_entry, &settings));
    net_expect_reference(net, rig.devices[0], 1e-4);
    net_compile(net, rig.devices[0], &run);
    assert_int_equal(strstr(net_kernel(&run, 0), " conv3d") != NULL, own);
    net_run_deinit(&run);
    or_rig_close(&rig);
    assert_int_equal(or_status_live_count(), 0);
  }
}

typedef struct form_t {
  or_shape_t x, w;
  int64_t pads[6], strides[3], dilations[3], group;
} form_t;

static void set(or_node_t *node, const form_t *form) {
  net_ints(node, "pads", form->pads, 6);
  net_ints(node, "strides", form->strides, 3);
  net_ints(node, "dilations", form->dilations, 3);
  net_int(node, "group", form->group);
}

static void convolves_volumes_plane_by_plane(void **state) {
  (void)state;
  const form_t forms[] = {
      {NET_SHAPE(2, 3, 5, 6, 7), NET_SHAPE(4, 3, 3, 3, 3), {1, 1, 1, 1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 1},
      {NET_SHAPE(1, 4, 9, 8, 7), NET_SHAPE(6, 2, 3, 2, 3), {2, 0, 1, 3, 1, 0}, {2, 1, 3}, {2, 3, 1}, 2},
      {NET_SHAPE(1, 4, 5, 6, 6), NET_SHAPE(4, 1, 3, 3, 3), {1, 1, 1, 1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 4},
      {NET_SHAPE(1, 4, 5, 6, 6), NET_SHAPE(4, 1, 1, 3, 3), {0, 1, 1, 0, 1, 1}, {1, 1, 1}, {1, 1, 1}, 4},
      {NET_SHAPE(2, 3, 6, 5, 5), NET_SHAPE(8, 3, 3, 1, 1), {1, 0, 0, 1, 0, 0}, {1, 1, 1}, {1, 1, 1}, 1},
      {NET_SHAPE(2, 3, 6, 5, 5), NET_SHAPE(8, 3, 1, 1, 1), {0, 0, 0, 0, 0, 0}, {2, 2, 2}, {1, 1, 1}, 1},
      {NET_SHAPE(1, 2, 2, 4, 4), NET_SHAPE(3, 2, 2, 2, 2), {5, 0, 0, 0, 0, 0}, {1, 1, 1}, {1, 1, 1}, 1},
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; ++i) {
    net_t net;
    net_init(&net);
    or_value_id_t x = net_input(&net, OR_FLOAT32, forms[i].x);
    or_value_id_t w = net_constant(&net, OR_FLOAT32, forms[i].w);
    or_node_t *node = net_node(&net, "Conv", 11, NET_IDS(x, w));
    set(node, &forms[i]);
    net_output(&net, net_done(&net, node));
    expect(&net, true);
    net_deinit(&net);
  }
}

static void adds_and_activates_in_the_same_step(void **state) {
  (void)state;
  const form_t form = {NET_SHAPE(2, 3, 5, 6, 7), NET_SHAPE(4, 3, 3, 3, 3), {1, 1, 1, 1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 1};
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, form.x);
  or_value_id_t w = net_constant(&net, OR_FLOAT32, form.w);
  or_value_id_t b = net_constant(&net, OR_FLOAT32, NET_SHAPE(4));
  or_value_id_t residual = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 4, 5, 6, 7));
  or_node_t *node = net_node(&net, "Conv", 11, NET_IDS(x, w, b));
  set(node, &form);
  or_value_id_t y = net_simple(&net, "Add", 14, NET_IDS(net_done(&net, node), residual));
  y = net_simple(&net, "Relu", 14, &y, 1);
  net_fuse(&net, 3);
  net_output(&net, y);
  expect(&net, true);
  net_deinit(&net);
}

static void what_only_the_run_knows_is_left_to_the_reference(void **state) {
  (void)state;
  for (int bias = 0; bias < 2; ++bias) {
    net_t net;
    net_init(&net);
    or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(1, 2, 3, 4, 4));
    or_value_id_t w = bias ? net_constant(&net, OR_FLOAT32, NET_SHAPE(3, 2, 2, 2, 2))
                           : net_input(&net, OR_FLOAT32, NET_SHAPE(3, 2, 2, 2, 2));
    or_value_id_t b = bias ? net_input(&net, OR_FLOAT32, NET_SHAPE(3)) : net_constant(&net, OR_FLOAT32, NET_SHAPE(3));
    net_output(&net, net_done(&net, net_node(&net, "Conv", 11, NET_IDS(x, w, b))));
    expect(&net, false);
    net_deinit(&net);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(convolves_volumes_plane_by_plane),
      cmocka_unit_test(adds_and_activates_in_the_same_step),
      cmocka_unit_test(what_only_the_run_knows_is_left_to_the_reference),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
