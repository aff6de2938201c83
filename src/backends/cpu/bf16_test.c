/* Networks of float32 whose products may be rounded to bfloat16: by our own kernels and by oneDNN's, against the C
 * references in float32, by the rule for bfloat16. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "backends/registry.h"
#include "fake/rig.h"

#include "backends/cpu/network_fixture_template.h"

static or_device_t *open_device(or_rig_t *rig, const char *isa, bool vendor) {
  or_backend_settings_t settings = {
      .cpu_isa = isa, .system_root = "", .cache_directory = "", .threads = 2, .vendor_libraries = vendor};
  net_ok(or_rig_open(rig, or_allocator_system(), or_backend_cpu_entry, &settings));
  return rig->devices[0];
}

static or_support_t ask(or_device_t *device, or_dtype_t precision) {
  const or_backend_device_t *backend = NULL;
  or_support_t answer;
  net_ok(or_device_open(device, &backend));
  backend->precision(backend->self, precision, &answer);
  return answer;
}

static bool offered(or_device_t *device) {
  or_support_t answer = ask(device, OR_BFLOAT16);
  if (!answer.supported) print_message("skipped: %s\n", answer.reason);
  return answer.supported;
}

static or_dtype_t precision_of(const net_run_t *run, uint32_t index) {
  or_executable_node_t node;
  run->executable.node(run->executable.self, index, &node);
  return node.precision;
}

/* `narrow` of the nodes are computed in bfloat16, own kernels and oneDNN's. */
static void expect_agreement(net_t *net, uint32_t narrow_own, uint32_t narrow_vendor) {
  for (int vendor = 0; vendor < 2; ++vendor) {
    or_rig_t rig;
    or_device_t *device = open_device(&rig, "", vendor != 0);
    if (offered(device)) {
      net_run_t run, expected;
      uint32_t narrow = 0;
      net->graph.precision = OR_BFLOAT16;
      net_compile(net, device, &run);
      net_buffers(&run, device);
      net_run(&run, device);
      net_run(&run, device);
      net_reference(net, device, &expected);
      net_compare_bf16(&run, &expected);
      for (uint32_t i = 0; i < net->graph.node_count; ++i) narrow += precision_of(&run, i) == OR_BFLOAT16;
      assert_true(narrow >= narrow_own && narrow <= (vendor ? narrow_vendor : narrow_own));
      net_run_deinit(&run);
      net_run_deinit(&expected);
    }
    or_rig_close(&rig);
  }
}

static void products_agree(void **state) {
  (void)state;
  static const int64_t rows[] = {1, 2, 13, 14, 15, 33, 128};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    net_t net;
    net_init(&net);
    or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(rows[i], 67));
    or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(67, 101));
    or_value_id_t b = net_constant(&net, OR_FLOAT32, NET_SHAPE(101));
    or_value_id_t w2 = net_constant(&net, OR_FLOAT32, NET_SHAPE(67, 101));
    or_value_id_t y = net_simple(&net, "MatMul", 13, NET_IDS(x, w));
    y = net_simple(&net, "Add", 14, NET_IDS(y, b));
    net_fuse(&net, 2);
    or_node_t *gemm = net_node(&net, "Gemm", 13, NET_IDS(y, w2));
    net_int(gemm, "transB", 1);
    net_output(&net, net_done(&net, gemm));
    expect_agreement(&net, 2, 2);
    net_deinit(&net);
  }
}

static void products_of_two_activations_agree(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t a = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 3, 21, 32));
  or_value_id_t b = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 3, 32, 19));
  or_value_id_t v = net_input(&net, OR_FLOAT32, NET_SHAPE(32));
  net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(a, b)));
  net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(a, v)));
  expect_agreement(&net, 1, 1); /* a vector that is not packed stays float32 */
  net_deinit(&net);
}

static or_value_id_t conv(net_t *net, or_value_id_t x, or_shape_t weights, int64_t groups, int64_t stride) {
  static const int64_t no_pads[4] = {0, 0, 0, 0}, pads[4] = {1, 1, 1, 1};
  static const int64_t strides[3][2] = {{0, 0}, {1, 1}, {2, 2}};
  or_value_id_t w = net_constant(net, OR_FLOAT32, weights);
  or_value_id_t b = net_constant(net, OR_FLOAT32, NET_SHAPE(weights.dims[0]));
  or_node_t *node = net_node(net, "Conv", 11, NET_IDS(x, w, b));
  net_int(node, "group", groups);
  net_ints(node, "pads", weights.dims[2] == 3 ? pads : no_pads, 4);
  net_ints(node, "strides", strides[stride], 2);
  return net_done(net, node);
}

/* Each kind alone, with an activation, so that no other rounding hides its own. */
static void convolutions_of_each_kind_agree(void **state) {
  (void)state;
  const struct {
    or_shape_t weights;
    int64_t groups, stride;
    uint32_t narrow_own;
  } kinds[] = {
      {NET_SHAPE(48, 32, 1, 1), 1, 1, 1}, {NET_SHAPE(48, 32, 1, 1), 1, 2, 1}, {NET_SHAPE(48, 32, 3, 3), 1, 1, 1},
      {NET_SHAPE(48, 32, 3, 3), 1, 2, 1}, {NET_SHAPE(48, 8, 3, 3), 4, 1, 1},  {NET_SHAPE(32, 1, 3, 3), 32, 1, 0},
      {NET_SHAPE(32, 1, 3, 3), 32, 2, 0}, {NET_SHAPE(7, 32, 1, 1), 1, 1, 1},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
    net_t net;
    net_init(&net);
    or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 32, 15, 17));
    or_value_id_t y = conv(&net, x, kinds[i].weights, kinds[i].groups, kinds[i].stride);
    y = net_simple(&net, "Relu", 14, NET_IDS(y));
    net_fuse(&net, 2);
    net_output(&net, y);
    expect_agreement(&net, kinds[i].narrow_own, 1);
    net_deinit(&net);
  }
}

/* Edges between images in bfloat16, float32 and row-major order; a residual; pools; an end in float32. */
static void build_chain(net_t *net) {
  static const int64_t two[2] = {2, 2};
  net_init(net);
  or_value_id_t x = net_input(net, OR_FLOAT32, NET_SHAPE(2, 3, 24, 24));
  or_value_id_t y = conv(net, x, NET_SHAPE(32, 3, 3, 3), 1, 1);
  y = net_simple(net, "Relu", 14, NET_IDS(y));
  net_fuse(net, 2);
  or_node_t *pool = net_node(net, "MaxPool", 12, &y, 1);
  net_ints(pool, "kernel_shape", two, 2);
  net_ints(pool, "strides", two, 2);
  or_value_id_t skip = net_done(net, pool);
  y = conv(net, skip, NET_SHAPE(32, 1, 3, 3), 32, 1);
  y = conv(net, y, NET_SHAPE(32, 32, 1, 1), 1, 1);
  y = net_simple(net, "Add", 14, NET_IDS(y, skip));
  net_fuse(net, 2);
  net_output(net, y);
  y = net_simple(net, "Sigmoid", 13, NET_IDS(y));
  y = net_simple(net, "GlobalAveragePool", 1, NET_IDS(y));
  y = net_simple(net, "Flatten", 13, NET_IDS(y));
  or_value_id_t w = net_constant(net, OR_FLOAT32, NET_SHAPE(32, 10));
  net_output(net, net_simple(net, "MatMul", 13, NET_IDS(y, w)));
}

static void a_chain_agrees(void **state) {
  (void)state;
  net_t net;
  build_chain(&net);
  expect_agreement(&net, 3, 4);
  net_deinit(&net);
}

static uint64_t packed_bytes(net_t *net, or_device_t *device, or_dtype_t precision) {
  net_run_t run;
  net->graph.precision = precision;
  net_compile(net, device, &run);
  uint64_t bytes = run.executable.packed_bytes;
  net_run_deinit(&run);
  return bytes;
}

static void packed_weights_take_half_the_memory(void **state) {
  (void)state;
  for (int vendor = 0; vendor < 2; ++vendor) {
    or_rig_t rig;
    or_device_t *device = open_device(&rig, "", vendor != 0);
    net_t net;
    net_init(&net);
    or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(1, 64, 14, 14));
    or_value_id_t y = conv(&net, x, NET_SHAPE(64, 64, 3, 3), 1, 1);
    or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(14, 64));
    net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(y, w)));
    if (offered(device)) {
      uint64_t wide = packed_bytes(&net, device, OR_DTYPE_NONE), narrow = packed_bytes(&net, device, OR_BFLOAT16);
      assert_true(narrow > 0 && narrow * 100 <= wide * 55);
    }
    net_deinit(&net);
    or_rig_close(&rig);
  }
}

static void float32_keeps_its_bits_beside_bfloat16(void **state) {
  (void)state;
  for (int vendor = 0; vendor < 2; ++vendor) {
    or_rig_t rig;
    or_device_t *device = open_device(&rig, "", vendor != 0);
    net_t net, narrow;
    build_chain(&net);
    build_chain(&narrow);
    narrow.graph.precision = OR_BFLOAT16;
    if (offered(device)) {
      net_run_t before, between, after;
      net_compile(&net, device, &before);
      net_buffers(&before, device);
      net_run(&before, device);
      net_compile(&narrow, device, &between);
      net_buffers(&between, device);
      net_run(&between, device);
      net_compile(&net, device, &after);
      net_buffers(&after, device);
      net_run(&after, device);
      size_t bytes = net_bytes(&net, net.outputs[0]);
      const void *first = or_buffer_host_pointer(before.outputs[0]);
      assert_memory_equal(first, or_buffer_host_pointer(after.outputs[0]), bytes);
      assert_memory_not_equal(first, or_buffer_host_pointer(between.outputs[0]), bytes);
      for (uint32_t i = 0; i < net.graph.node_count; ++i) assert_int_equal(precision_of(&after, i), OR_DTYPE_NONE);
      net_run_deinit(&before);
      net_run_deinit(&between);
      net_run_deinit(&after);
    }
    net_deinit(&net);
    net_deinit(&narrow);
    or_rig_close(&rig);
  }
}

static void says_what_is_missing_and_computes_exactly_without_it(void **state) {
  (void)state;
  static const char *const levels[] = {"portable", "avx2"};
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; ++i) {
    or_rig_t rig;
    or_device_t *device = open_device(&rig, levels[i], false);
    or_support_t answer = ask(device, OR_BFLOAT16);
    assert_false(answer.supported);
    assert_non_null(strstr(answer.reason, "needs AVX512-BF16 or AMX"));
    assert_false(ask(device, OR_INT8).supported);
    net_t net;
    build_chain(&net);
    net.graph.precision = OR_BFLOAT16;
    net_expect_reference(&net, device, 1e-4);
    net_deinit(&net);
    or_rig_close(&rig);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_agree),
      cmocka_unit_test(products_of_two_activations_agree),
      cmocka_unit_test(convolutions_of_each_kind_agree),
      cmocka_unit_test(a_chain_agrees),
      cmocka_unit_test(packed_weights_take_half_the_memory),
      cmocka_unit_test(float32_keeps_its_bits_beside_bfloat16),
      cmocka_unit_test(says_what_is_missing_and_computes_exactly_without_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
