/* Networks on the CPU backend at each level of instructions, with and without oneDNN, against the C references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>

#include "backends/registry.h"
#include "base/clock.h"
#include "base/thread.h"
#include "fake/rig.h"
#include "hal/parallel.h"

#include "backends/cpu/network_fixture_template.h"

/* What a test runs with. */
typedef struct level_t {
  const char *isa;
  bool vendor;
} level_t;
static const level_t levels[] = {{"portable", false}, {"avx2", false}, {"", false}, {"", true}};
#define LEVELS (sizeof levels / sizeof *levels)
#define VENDOR_LEVEL (LEVELS - 1)

static or_device_t *open_level(or_rig_t *rig, const level_t *level, const or_allocator_t *allocator, int threads) {
  or_backend_settings_t settings = {.cpu_isa = level->isa,
                                    .system_root = "",
                                    .cache_directory = "",
                                    .threads = threads,
                                    .vendor_libraries = level->vendor};
  net_ok(or_rig_open(rig, allocator, or_backend_cpu_entry, &settings));
  assert_int_equal(rig->device_count, 1);
  return rig->devices[0];
}

static void expect_at_every_level(const net_t *net, double tolerance) {
  for (size_t i = 0; i < LEVELS; ++i) {
    or_rig_t rig;
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), 0);
    or_device_t *device = open_level(&rig, &levels[i], &counting.base, 2);
    net_expect_reference(net, device, tolerance);
    or_rig_close(&rig);
    assert_int_equal(counting.live_bytes, 0);
    assert_int_equal(or_status_live_count(), 0);
  }
}

/* Stride 1. */
static or_value_id_t conv(net_t *net, or_value_id_t x, or_value_id_t w, or_value_id_t b, int64_t pad) {
  static const int64_t pads[2][4] = {{0, 0, 0, 0}, {1, 1, 1, 1}};
  or_value_id_t inputs[] = {x, w, b};
  or_node_t *node = net_node(net, "Conv", 11, inputs, b == OR_NO_VALUE ? 2 : 3);
  net_ints(node, "pads", pads[pad], 4);
  return net_done(net, node);
}

static or_value_id_t max_pool(net_t *net, or_value_id_t x) {
  static const int64_t two[2] = {2, 2};
  or_node_t *node = net_node(net, "MaxPool", 12, &x, 1);
  net_ints(node, "kernel_shape", two, 2);
  net_ints(node, "strides", two, 2);
  return net_done(net, node);
}

/* conv, relu, pool, conv with a residual, pool, flatten, gemm, softmax: each edge between layouts once. */
static void build_chain(net_t *net, bool fuse) {
  net_init(net);
  or_value_id_t x = net_input(net, OR_FLOAT32, NET_SHAPE(2, 3, 12, 12));
  or_value_id_t w1 = net_constant(net, OR_FLOAT32, NET_SHAPE(16, 3, 3, 3));
  or_value_id_t b1 = net_constant(net, OR_FLOAT32, NET_SHAPE(16));
  or_value_id_t w2 = net_constant(net, OR_FLOAT32, NET_SHAPE(16, 16, 3, 3));
  or_value_id_t w3 = net_constant(net, OR_FLOAT32, NET_SHAPE(10, 144));
  or_value_id_t b3 = net_constant(net, OR_FLOAT32, NET_SHAPE(10));
  or_value_id_t y = conv(net, x, w1, b1, 1);
  y = net_simple(net, "Relu", 14, NET_IDS(y));
  if (fuse) net_fuse(net, 2);
  y = max_pool(net, y);
  or_value_id_t skip = y;
  y = conv(net, y, w2, OR_NO_VALUE, 1);
  y = net_simple(net, "Add", 14, NET_IDS(y, skip));
  y = net_simple(net, "Relu", 14, NET_IDS(y));
  if (fuse) net_fuse(net, 3);
  y = max_pool(net, y);
  y = net_simple(net, "Flatten", 13, NET_IDS(y));
  or_node_t *gemm = net_node(net, "Gemm", 13, NET_IDS(y, w3, b3));
  net_int(gemm, "transB", 1);
  y = net_done(net, gemm);
  y = net_simple(net, "Softmax", 13, NET_IDS(y));
  net_output(net, y);
}

static void a_chain_of_convolutions_and_pools_equals_the_reference(void **state) {
  (void)state;
  for (int fuse = 0; fuse < 2; ++fuse) {
    net_t net;
    build_chain(&net, fuse != 0);
    expect_at_every_level(&net, 1e-4);
    net_deinit(&net);
  }
}

static void a_residual_that_is_read_again_is_not_overwritten(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(1, 16, 7, 5));
  or_value_id_t w1 = net_constant(&net, OR_FLOAT32, NET_SHAPE(16, 16, 1, 1));
  or_value_id_t w2 = net_constant(&net, OR_FLOAT32, NET_SHAPE(16, 16, 3, 3));
  or_value_id_t a = conv(&net, x, w1, OR_NO_VALUE, 0);
  or_value_id_t b = conv(&net, a, w2, OR_NO_VALUE, 1);
  b = net_simple(&net, "Add", 14, NET_IDS(b, a));
  net_fuse(&net, 2);
  or_value_id_t c = conv(&net, b, w1, OR_NO_VALUE, 0);
  c = net_simple(&net, "Add", 14, NET_IDS(c, x)); /* an input of the graph: never overwritten */
  net_fuse(&net, 2);
  or_value_id_t d = net_simple(&net, "Mul", 14, NET_IDS(c, a));
  net_output(&net, d);
  net_output(&net, a);
  expect_at_every_level(&net, 1e-4);
  net_deinit(&net);
}

static void values_that_share_memory_keep_their_contents(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(4, 6));
  or_value_id_t flat = net_constant(&net, OR_INT64, NET_SHAPE(1));
  ((int64_t *)net.data[flat])[0] = -1;
  or_value_id_t a = net_simple(&net, "Exp", 13, NET_IDS(x));
  or_value_id_t b = net_simple(&net, "Reshape", 14, NET_IDS(a, flat)); /* the same bytes as a */
  or_value_id_t c = net_simple(&net, "Relu", 14, NET_IDS(b));          /* may not overwrite a, which is read below */
  or_value_id_t d = net_simple(&net, "Add", 14, NET_IDS(a, a));
  or_value_id_t e = net_simple(&net, "Neg", 13, NET_IDS(c));      /* may overwrite c */
  or_value_id_t f = net_simple(&net, "Identity", 16, NET_IDS(e)); /* an output that is e under another name */
  or_value_id_t g = net_simple(&net, "Identity", 16, NET_IDS(x)); /* an output that is an input */
  net_output(&net, d);
  net_output(&net, f);
  net_output(&net, g);
  net_output(&net, e);
  net_output(&net, d); /* twice */
  net_output(&net, x);
  net_output(&net, flat);
  expect_at_every_level(&net, 1e-5);
  net_deinit(&net);
}

static void broadcasts_as_numpy_does(void **state) {
  (void)state;
  static const int64_t shapes[][2][4] = {
      {{2, 3, 4, 5}, {1, 3, 1, 1}},   {{2, 3, 4, 5}, {1, 1, 1, 5}}, {{2, 3, 4, 5}, {2, 1, 4, 1}},
      {{1, 3, 1, 5}, {2, 1, 4, 1}},   {{2, 3, 4, 5}, {1, 1, 1, 1}}, {{0, 3, 4, 5}, {1, 3, 4, 5}},
      {{7, 1, 1, 33}, {7, 9, 1, 33}}, {{2, 3, 4, 5}, {2, 3, 4, 5}},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
    net_t net;
    net_init(&net);
    or_value_id_t a = net_input(&net, OR_FLOAT32, or_shape_make(4, shapes[i][0]));
    or_value_id_t b = net_input(&net, OR_FLOAT32, or_shape_make(4, shapes[i][1]));
    or_value_id_t c = net_input(&net, OR_FLOAT64, or_shape_make(4, shapes[i][0]));
    or_value_id_t d = net_input(&net, OR_FLOAT64, or_shape_make(4, shapes[i][1]));
    or_value_id_t y = net_simple(&net, "Sub", 14, NET_IDS(a, b));
    net_output(&net, net_simple(&net, "Max", 13, NET_IDS(b, y)));
    net_output(&net, net_simple(&net, "Div", 14, NET_IDS(d, c)));
    expect_at_every_level(&net, 1e-5);
    net_deinit(&net);
  }
}

static void multiplies_batches_vectors_and_constants(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t a = net_input(&net, OR_FLOAT32, NET_SHAPE(3, 1, 17, 19));
  or_value_id_t b = net_input(&net, OR_FLOAT32, NET_SHAPE(4, 19, 5));
  or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(19, 33));
  or_value_id_t ws = net_constant(&net, OR_FLOAT32, NET_SHAPE(4, 19, 7));
  or_value_id_t left = net_constant(&net, OR_FLOAT32, NET_SHAPE(11, 17));
  or_value_id_t bias = net_constant(&net, OR_FLOAT32, NET_SHAPE(33));
  or_value_id_t row = net_input(&net, OR_FLOAT32, NET_SHAPE(19));
  or_value_id_t wide = net_input(&net, OR_FLOAT64, NET_SHAPE(9, 19));
  or_value_id_t wide_w = net_constant(&net, OR_FLOAT64, NET_SHAPE(19, 21));
  net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(a, b)));
  net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(a, ws)));
  or_value_id_t y = net_simple(&net, "MatMul", 13, NET_IDS(a, w));
  y = net_simple(&net, "Add", 14, NET_IDS(y, bias));
  y = net_simple(&net, "Relu", 14, NET_IDS(y));
  net_fuse(&net, 3);
  net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(left, y)));
  net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(row, w)));
  net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(row, row)));
  net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(wide, wide_w)));
  expect_at_every_level(&net, 1e-4);
  net_deinit(&net);
}

static void adds_each_form_of_a_gemm_bias(void **state) {
  (void)state;
  static const int64_t forms[][2] = {{13, 9}, {1, 9}, {13, 1}, {1, 1}};
  for (size_t i = 0; i < 4; ++i) {
    for (int constant = 0; constant < 2; ++constant) {
      net_t net;
      net_init(&net);
      or_value_id_t a = net_input(&net, OR_FLOAT32, NET_SHAPE(21, 13));
      or_value_id_t b = net_input(&net, OR_FLOAT32, NET_SHAPE(9, 21));
      or_shape_t shape = or_shape_make(2, forms[i]);
      or_value_id_t c = constant ? net_constant(&net, OR_FLOAT32, shape) : net_input(&net, OR_FLOAT32, shape);
      or_node_t *gemm = net_node(&net, "Gemm", 13, NET_IDS(a, b, c));
      net_int(gemm, "transA", 1);
      net_int(gemm, "transB", 1);
      net_float(gemm, "alpha", 0.5F);
      net_float(gemm, "beta", -2.0F);
      net_output(&net, net_done(&net, gemm));
      expect_at_every_level(&net, 1e-4);
      net_deinit(&net);
    }
  }
}

/* Of float16 as of bfloat16, whatever is added and whether it is known beforehand. */
static void multiplies_16_bit_numbers_by_kernels_of_our_own(void **state) {
  (void)state;
  static const or_dtype_t dtypes[] = {OR_FLOAT16, OR_BFLOAT16};
  static const int64_t forms[][2] = {{13, 300}, {1, 300}, {13, 1}, {1, 1}, {0, 0}};
  for (size_t i = 0; i < sizeof forms / sizeof *forms * 8; ++i) {
    const size_t form = i / 8;
    const bool constant = i % 2 == 1, scaled = i / 2 % 2 == 1;
    const or_dtype_t dtype = dtypes[i / 4 % 2];
    net_t net;
    net_init(&net);
    or_value_id_t inputs[3] = {net_input(&net, dtype, NET_SHAPE(13, 700)),
                               constant ? net_constant(&net, dtype, NET_SHAPE(700, 300))
                                        : net_input(&net, dtype, NET_SHAPE(700, 300))};
    const bool matmul = forms[form][0] == 0;
    or_shape_t shape = or_shape_make(2, forms[form]);
    if (!matmul) inputs[2] = constant ? net_constant(&net, dtype, shape) : net_input(&net, dtype, shape);
    or_node_t *node = net_node(&net, matmul ? "MatMul" : "Gemm", 13, inputs, matmul ? 2 : 3);
    if (!matmul && scaled) net_float(node, "beta", -2.0F);
    net_output(&net, net_done(&net, node));
    expect_at_every_level(&net, dtype == OR_FLOAT16 ? 2e-3 : 1e-2);
    for (size_t l = 0; l < LEVELS; ++l) {
      or_rig_t rig;
      net_run_t run;
      net_compile(&net, open_level(&rig, &levels[l], or_allocator_system(), 2), &run);
      assert_non_null(strstr(net_kernel(&run, 0), " gemm"));
      net_run_deinit(&run);
      or_rig_close(&rig);
    }
    net_deinit(&net);
  }
}

/* One random node that keeps the shape [2,8,6,6]. */
static or_value_id_t random_node(net_t *net, or_value_id_t a, or_value_id_t b, const or_value_id_t *weights) {
  static const int64_t three[2] = {3, 3}, ones[4] = {1, 1, 1, 1}, swapped[4] = {0, 1, 3, 2};
  switch ((int)(8.0 * (net_random(net) + 1.0))) {
  case 0: return net_simple(net, "Relu", 14, &a, 1);
  case 1: return net_simple(net, "Neg", 13, &a, 1);
  case 2: return net_simple(net, "Tanh", 13, &a, 1);
  case 3: return net_simple(net, "Sub", 14, NET_IDS(a, b));
  case 4: return net_simple(net, "Add", 14, NET_IDS(b, a));
  case 5: return net_simple(net, "Identity", 16, &a, 1);
  case 6:
    a = net_simple(net, "Reshape", 14, NET_IDS(a, weights[2]));
    a = net_simple(net, "Sigmoid", 13, &a, 1);
    return net_simple(net, "Reshape", 14, NET_IDS(a, weights[3]));
  case 7: {
    or_node_t *node = net_node(net, "Transpose", 13, &a, 1);
    net_ints(node, "perm", swapped, 4);
    return net_done(net, node);
  }
  case 8: {
    or_node_t *node = net_node(net, "MaxPool", 12, &a, 1);
    net_ints(node, "kernel_shape", three, 2);
    net_ints(node, "pads", ones, 4);
    return net_done(net, node);
  }
  case 9: return conv(net, a, weights[1], OR_NO_VALUE, 0);
  case 10: {
    or_value_id_t y = conv(net, a, weights[0], OR_NO_VALUE, 1);
    y = net_simple(net, "Relu", 14, &y, 1);
    net_fuse(net, 2);
    return y;
  }
  case 11: {
    or_value_id_t y = conv(net, a, weights[1], OR_NO_VALUE, 0);
    y = net_simple(net, "Add", 14, NET_IDS(b, y));
    net_fuse(net, 2);
    return y;
  }
  default: {
    or_value_id_t y = conv(net, a, weights[0], OR_NO_VALUE, 1);
    y = net_simple(net, "Add", 14, NET_IDS(y, b));
    y = net_simple(net, "Relu", 14, &y, 1);
    net_fuse(net, 3);
    return y;
  }
  }
}

static void build_random(net_t *net, uint64_t seed) {
  static const int64_t forms[2][4] = {{2, 288, 0, 0}, {2, 8, 6, 6}};
  or_value_id_t made[24], weights[4];
  size_t count = 2;
  net_init(net);
  net->seed = seed;
  made[0] = net_input(net, OR_FLOAT32, NET_SHAPE(2, 8, 6, 6));
  made[1] = net_input(net, OR_FLOAT32, NET_SHAPE(2, 8, 6, 6));
  weights[0] = net_constant(net, OR_FLOAT32, NET_SHAPE(8, 8, 3, 3));
  weights[1] = net_constant(net, OR_FLOAT32, NET_SHAPE(8, 8, 1, 1));
  for (int i = 0; i < 72 * 8; ++i) ((float *)net->data[weights[0]])[i] *= 0.1F;
  for (int i = 0; i < 8 * 8; ++i) ((float *)net->data[weights[1]])[i] *= 0.3F;
  for (int i = 0; i < 2; ++i) {
    weights[2 + i] = net_constant(net, OR_INT64, NET_SHAPE(i == 0 ? 2 : 4));
    memcpy(net->data[weights[2 + i]], forms[i], (i == 0 ? 2 : 4) * sizeof(int64_t));
    net->constants[weights[2 + i]].hash += (uint64_t)i + 1;
  }
  net->constants[weights[0]].hash += 1000; /* the contents have changed */
  net->constants[weights[1]].hash += 1000;
  while (count < 20) {
    /* Mostly what was made last, so that chains grow; now and then anything. */
    size_t last = count - 1, any = (size_t)((net_random(net) + 1.0) * 0.499 * (double)count);
    or_value_id_t a = made[net_random(net) > -0.5 ? last : any], b = made[any];
    made[count++] = random_node(net, a, b, weights);
  }
  net_output(net, made[count - 1]);
  for (int i = 0; i < 3; ++i) {
    net_output(net, made[2 + (size_t)((net_random(net) + 1.0) * 0.499 * (double)(count - 2))]);
  }
}

static void random_networks_equal_the_references(void **state) {
  (void)state;
  for (size_t i = 2; i < LEVELS; ++i) {
    or_rig_t rig;
    or_device_t *device = open_level(&rig, &levels[i], or_allocator_system(), 2);
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      net_t net;
      build_random(&net, seed * 7919);
      net_expect_reference(&net, device, 1e-3);
      net_deinit(&net);
    }
    or_rig_close(&rig);
  }
}

/* A norm that says it stands for something else: what it is named counts. */
static void an_operator_that_keeps_parts_is_itself(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(5, 40)),
                scale = net_constant(&net, OR_FLOAT32, NET_SHAPE(40));
  or_value_id_t y = net_done(&net, net_node(&net, "LayerNormalization", 17, NET_IDS(x, scale)));
  or_value_id_t other = net_value(&net, OR_FLOAT32, NET_SHAPE(5, 40));
  or_node_t part = net.nodes[0];
  part.op = "Relu";
  part.definition = or_op_find("", "Relu");
  part.input_count = 1;
  part.outputs = &other;
  net.nodes[0].parts = &part;
  net.nodes[0].part_count = 1;
  net_output(&net, y);
  expect_at_every_level(&net, 1e-4);
  net_deinit(&net);
}

static void an_operator_without_a_kernel_is_left_to_its_parts(void **state) {
  (void)state;
  net_t net;
  or_rig_t rig;
  or_support_t answer;
  const or_backend_device_t *backend = NULL;
  or_device_t *device = open_level(&rig, &levels[0], or_allocator_system(), 1);
  net_ok(or_device_open(device, &backend));
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT64, NET_SHAPE(5, 40)),
                scale = net_constant(&net, OR_FLOAT64, NET_SHAPE(40));
  net_output(&net, net_done(&net, net_node(&net, "LayerNormalization", 17, NET_IDS(x, scale))));
  net_ok(backend->supports(backend->self, &net.graph, &net.nodes[0], &answer));
  assert_true(answer.supported); /* by the reference */
  or_node_t part = net.nodes[0];
  net.nodes[0].parts = &part;
  net.nodes[0].part_count = 1;
  net_ok(backend->supports(backend->self, &net.graph, &net.nodes[0], &answer));
  assert_false(answer.supported);
  assert_non_null(strstr(answer.reason, "LayerNormalization of float64"));
  net_deinit(&net);
  or_rig_close(&rig);
}

static void a_convolution_and_hard_swish_are_one_step(void **state) {
  (void)state;
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(2, 3, 12, 12)),
                w = net_constant(&net, OR_FLOAT32, NET_SHAPE(8, 3, 3, 3));
  or_value_id_t y = conv(&net, x, w, OR_NO_VALUE, 1);
  y = net_simple(&net, "Mul", 14, NET_IDS(y, y));
  y = conv(&net, y, net_constant(&net, OR_FLOAT32, NET_SHAPE(16, 8, 3, 3)), OR_NO_VALUE, 0);
  y = net_simple(&net, "HardSwish", 22, NET_IDS(y));
  net_fuse(&net, 2);
  y = net_simple(&net, "MatMul", 13, NET_IDS(y, net_constant(&net, OR_FLOAT32, NET_SHAPE(10, 7))));
  y = net_simple(&net, "HardSwish", 22, NET_IDS(y));
  net_fuse(&net, 2);
  net_output(&net, y);
  expect_at_every_level(&net, 1e-3);
  net_deinit(&net);
}

static void two_executables_share_packed_constants(void **state) {
  (void)state;
  for (size_t i = 0; i < LEVELS; ++i) {
    or_rig_t rig;
    or_device_t *device = open_level(&rig, &levels[i], or_allocator_system(), 2);
    net_t net;
    build_chain(&net, true);
    net_run_t first, second;
    net_compile(&net, device, &first);
    or_packed_counters_t before = or_packed_counters(device);
    net_compile(&net, device, &second);
    or_packed_counters_t after = or_packed_counters(device);
    assert_true(before.fills > 0);
    assert_int_equal(after.fills, before.fills);
    assert_int_equal(after.bytes, before.bytes);
    assert_true(after.hits > before.hits);
    net_run_deinit(&first);
    net_run_deinit(&second);
    assert_int_equal(or_packed_counters(device).entries, 0);
    net_deinit(&net);
    or_rig_close(&rig);
  }
}

static void runs_allocate_nothing(void **state) {
  (void)state;
  for (size_t i = 0; i < LEVELS; ++i) {
    or_rig_t rig;
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), 0);
    or_device_t *device = open_level(&rig, &levels[i], &counting.base, 2);
    net_t net;
    net_run_t run;
    build_chain(&net, true);
    net_compile(&net, device, &run);
    net_buffers(&run, device);
    size_t before = counting.alloc_count;
    net_run(&run, device);
    net_run(&run, device);
    assert_int_equal(counting.alloc_count, before);
    net_run_deinit(&run);
    net_deinit(&net);
    or_rig_close(&rig);
  }
}

static void stops_when_it_is_cancelled(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_level(&rig, &levels[2], or_allocator_system(), 2);
  net_t net;
  net_run_t run;
  or_queue_t *queue = NULL;
  or_cancel_t cancel;
  build_chain(&net, true);
  net_compile(&net, device, &run);
  net_buffers(&run, device);
  or_cancel_init(&cancel, INT64_MAX);
  or_cancel_request(&cancel);
  run.cancel = &cancel;
  net_ok(or_device_queue(device, &queue));
  or_status_t status = or_queue_run(queue, net_run_work, &run);
  assert_int_equal(or_status_code(status), OR_CANCELLED);
  or_status_ignore(status);
  net_run_deinit(&run);
  net_deinit(&net);
  or_rig_close(&rig);
}

static void compiles_no_further_when_it_is_cancelled(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_level(&rig, &levels[2], or_allocator_system(), 2);
  net_t net;
  net_run_t run = {.net = &net};
  or_queue_t *queue = NULL;
  or_cancel_t cancel;
  build_chain(&net, true);
  or_cancel_init(&cancel, INT64_MAX);
  or_cancel_request(&cancel);
  net.graph.cancel = &cancel;
  net_ok(or_device_queue(device, &queue));
  or_status_t status = or_queue_run(queue, net_compile_work, &run);
  assert_int_equal(or_status_code(status), OR_CANCELLED);
  or_status_ignore(status);
  assert_int_equal(or_packed_counters(device).fills, 0);
  net.graph.cancel = NULL;
  net_compile(&net, device, &run);
  net_run_deinit(&run);
  net_deinit(&net);
  or_rig_close(&rig);
}

/* A product of a tenth of a second and more, with a deadline that passes while it is computed. */
static void stops_within_a_long_product(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_level(&rig, &levels[2], or_allocator_system(), 1);
  net_t net;
  net_run_t run;
  or_queue_t *queue = NULL;
  or_cancel_t cancel;
  net_init(&net);
  or_value_id_t a = net_input(&net, OR_FLOAT32, NET_SHAPE(2048, 2048));
  net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(a, a)));
  net_compile(&net, device, &run);
  net_buffers(&run, device);
  or_cancel_init(&cancel, or_clock_ns() + 1000000);
  run.cancel = &cancel;
  net_ok(or_device_queue(device, &queue));
  or_status_t status = or_queue_run(queue, net_run_work, &run);
  assert_int_equal(or_status_code(status), OR_DEADLINE_EXCEEDED);
  or_status_ignore(status);
  net_run_deinit(&run);
  net_deinit(&net);
  or_rig_close(&rig);
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  net_t net;
  build_chain(&net, true);
  for (size_t n = 1;; ++n) {
    or_rig_t rig;
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), 0);
    or_device_t *device = open_level(&rig, &levels[2], &counting.base, 1);
    or_queue_t *queue = NULL;
    net_ok(or_device_queue(device, &queue));
    counting.fail_at = counting.alloc_count + n;
    net_run_t run = {.net = &net};
    or_status_t status = or_queue_run(queue, net_compile_work, &run);
    bool done = or_ok(status);
    if (done) assert_false(counting.triggered);
    if (!done) assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status);
    net_run_deinit(&run);
    or_rig_close(&rig);
    assert_int_equal(counting.live_bytes, 0);
    if (done) break;
  }
  net_deinit(&net);
}

static void several_queues_run_one_executable(void **state) {
  (void)state;
  for (size_t i = 0; i < LEVELS; ++i) {
    or_rig_t rig;
    or_device_t *device = open_level(&rig, &levels[i], or_allocator_system(), 2);
    net_t net;
    net_run_t expected, runs[3];
    or_queue_t *queues[3];
    or_event_t *events[3];
    build_chain(&net, true);
    net_reference(&net, device, &expected);
    for (int q = 0; q < 3; ++q) {
      net_ok(or_queue_create(device, &queues[q]));
      net_ok(or_event_create(or_allocator_system(), &events[q]));
      if (q == 0) net_compile(&net, device, &runs[0]);
      if (q > 0) runs[q] = (net_run_t){.net = &net, .executable = runs[0].executable};
      net_buffers(&runs[q], device);
    }
    for (int q = 0; q < 3; ++q) {
      or_submission_t submission = {.work = net_run_work, .self = &runs[q], .signal = events[q]};
      net_ok(or_queue_submit(queues[q], &submission));
    }
    for (int q = 0; q < 3; ++q) {
      net_ok(or_event_wait(events[q], INT64_MAX));
      net_compare(&runs[q], &expected, 1e-4);
      if (q > 0) runs[q].executable.release = NULL;
      or_event_release(events[q]);
      or_queue_release(queues[q]);
    }
    for (int q = 3; q-- > 0;) net_run_deinit(&runs[q]);
    net_run_deinit(&expected);
    net_deinit(&net);
    or_rig_close(&rig);
  }
}

enum { CALLERS = 3, RUNS_A_CALLER = 40 };

/* One of several threads without a queue. */
static void run_alone(void *self) {
  net_run_t *run = self;
  for (int i = 0; i < RUNS_A_CALLER && or_ok(run->status); ++i) run->status = net_execute(run, NULL);
}

static void any_thread_runs_a_small_executable(void **state) {
  (void)state;
  for (size_t i = 0; i < LEVELS; ++i) {
    or_rig_t rig;
    or_device_t *device = open_level(&rig, &levels[i], or_allocator_system(), 2);
    net_t net;
    net_run_t expected, runs[CALLERS];
    or_thread_t threads[CALLERS];
    build_chain(&net, true);
    net_reference(&net, device, &expected);
    net_compile(&net, device, &runs[0]);
    assert_true(runs[0].executable.queue_optional || (levels[i].vendor && !or_parallel_limits_vendor()));
    const int callers = runs[0].executable.queue_optional ? CALLERS : 0;
    for (int c = 0; c < CALLERS; ++c) {
      if (c > 0) runs[c] = (net_run_t){.net = &net, .executable = runs[0].executable};
      net_buffers(&runs[c], device);
    }
    for (int c = 0; c < callers; ++c) net_ok(or_thread_start(&threads[c], "caller", run_alone, &runs[c]));
    for (int c = 0; c < callers; ++c) {
      or_thread_join(&threads[c]);
      net_ok(runs[c].status);
      net_compare(&runs[c], &expected, 1e-4);
    }
    for (int c = 1; c < CALLERS; ++c) runs[c].executable.release = NULL;
    for (int c = CALLERS; c-- > 0;) net_run_deinit(&runs[c]);
    net_run_deinit(&expected);
    net_deinit(&net);
    or_rig_close(&rig);
  }
}

static size_t threads_of_process(void) {
  size_t count = 0;
  DIR *tasks = opendir("/proc/self/task");
  while (tasks != NULL && readdir(tasks) != NULL) ++count;
  if (tasks != NULL) (void)closedir(tasks);
  return count;
}

typedef struct leader_t {
  net_run_t run;
  size_t before, after;
  int limit; /* of vendor libraries, after the run */
} leader_t;

/* A thread that may lead four, and had no reason to so far. */
static void run_as_leader(void *self) {
  leader_t *leader = self;
  or_team_t *team = NULL;
  leader->run.status = or_team_create(or_allocator_system(), 4, &team);
  leader->before = threads_of_process();
  if (or_ok(leader->run.status)) leader->run.status = net_execute(&leader->run, NULL);
  leader->after = threads_of_process();
  leader->limit = or_vendor_alone_begin();
  or_vendor_alone_end(leader->limit);
  or_team_free(team);
}

static void a_run_without_a_queue_opens_no_team(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_level(&rig, &levels[VENDOR_LEVEL], or_allocator_system(), 2);
  net_t net;
  or_thread_t thread;
  leader_t leader = {.limit = 0};
  build_chain(&net, true);
  net_compile(&net, device, &leader.run);
  net_buffers(&leader.run, device);
  if (leader.run.executable.queue_optional) {
    net_ok(or_thread_start(&thread, "leader", run_as_leader, &leader));
    or_thread_join(&thread);
    net_ok(leader.run.status);
    assert_int_equal(leader.after, leader.before);
    assert_int_equal(leader.limit, or_parallel_limits_vendor() ? 4 : 0);
  }
  net_run_deinit(&leader.run);
  net_deinit(&net);
  or_rig_close(&rig);
}

/* One convolution that is worth a team. */
static void what_leads_a_team_needs_its_queue(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_level(&rig, &levels[VENDOR_LEVEL], or_allocator_system(), 2);
  net_t net;
  net_run_t run;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(1, 64, 32, 32));
  or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(64, 64, 3, 3));
  net_output(&net, conv(&net, x, w, OR_NO_VALUE, 1));
  net_compile(&net, device, &run);
  assert_int_equal(run.executable.queue_optional, strstr(net_kernel(&run, 0), "onednn") == NULL);
  net_run_deinit(&run);
  net_deinit(&net);
  or_rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_chain_of_convolutions_and_pools_equals_the_reference),
      cmocka_unit_test(a_residual_that_is_read_again_is_not_overwritten),
      cmocka_unit_test(values_that_share_memory_keep_their_contents),
      cmocka_unit_test(broadcasts_as_numpy_does),
      cmocka_unit_test(multiplies_batches_vectors_and_constants),
      cmocka_unit_test(adds_each_form_of_a_gemm_bias),
      cmocka_unit_test(multiplies_16_bit_numbers_by_kernels_of_our_own),
      cmocka_unit_test(random_networks_equal_the_references),
      cmocka_unit_test(an_operator_that_keeps_parts_is_itself),
      cmocka_unit_test(an_operator_without_a_kernel_is_left_to_its_parts),
      cmocka_unit_test(a_convolution_and_hard_swish_are_one_step),
      cmocka_unit_test(two_executables_share_packed_constants),
      cmocka_unit_test(runs_allocate_nothing),
      cmocka_unit_test(stops_when_it_is_cancelled),
      cmocka_unit_test(compiles_no_further_when_it_is_cancelled),
      cmocka_unit_test(stops_within_a_long_product),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
      cmocka_unit_test(several_queues_run_one_executable),
      cmocka_unit_test(any_thread_runs_a_small_executable),
      cmocka_unit_test(a_run_without_a_queue_opens_no_team),
      cmocka_unit_test(what_leads_a_team_needs_its_queue),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
