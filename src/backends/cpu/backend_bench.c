/* How fast the backend is, through executables and a queue as programs use it, beside the machine's measured limits.
 * Not run by ctest. */
#include <stdlib.h>

#include "backends/registry.h"
#include "base/clock.h"
#include "fake/rig.h"

/* What the fixture takes from cmocka. */
#define fail_msg(...) (printf(__VA_ARGS__), exit(1))
#define assert_true(condition) ((condition) ? (void)0 : (void)fail_msg("%s", #condition))
#define assert_non_null(pointer) assert_true((pointer) != NULL)
#define assert_memory_equal(a, b, bytes) assert_true(memcmp(a, b, bytes) == 0)
#include <stdio.h>

#include "backends/cpu/network_fixture_template.h"

/* The median over rounds of about a second; of a crowded machine's measurements the shortest says more: BEST=1. */
static double seconds_of(net_run_t *run, or_device_t *device) {
  double times[2000];
  size_t count = 0;
  int64_t start = or_clock_ns();
  net_run(run, device);
  net_run(run, device);
  while (count < 2000 && (count < 5 || or_clock_ns() - start < 1000000000)) {
    int64_t before = or_clock_ns();
    net_run(run, device);
    times[count++] = (double)(or_clock_ns() - before) * 1e-9;
  }
  for (size_t i = 1; i < count; ++i) {
    for (size_t j = i; j > 0 && times[j] < times[j - 1]; --j) {
      double t = times[j];
      times[j] = times[j - 1];
      times[j - 1] = t;
    }
  }
  return getenv("BEST") != NULL ? times[0] : times[count / 2];
}

static double time_net(net_t *net, or_device_t *device, const char **kernel) {
  static char name[96];
  net_run_t run;
  net_compile(net, device, &run);
  net_buffers(&run, device);
  for (uint32_t i = 0; i < net->graph.output_count; ++i) {
    memset(or_buffer_host_pointer(run.outputs[i]), 0, or_buffer_bytes(run.outputs[i]));
  }
  double seconds = seconds_of(&run, device);
  (void)snprintf(name, sizeof name, "%s", net_kernel(&run, 0));
  *kernel = name;
  net_run_deinit(&run);
  net_deinit(net);
  return seconds;
}

static void bench_products(or_device_t *device, const or_device_peaks_t *peaks) {
  static const int64_t sizes[][3] = {{128, 128, 128},    {256, 256, 256},    {512, 512, 512},
                                     {1024, 1024, 1024}, {2048, 2048, 2048}, {1, 4096, 4096},
                                     {128, 768, 768},    {128, 768, 3072},   {1, 2048, 1000}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    for (int constant = 0; constant < 2; ++constant) {
      net_t net;
      const char *kernel = "";
      int64_t m = sizes[i][0], k = sizes[i][1], n = sizes[i][2];
      net_init(&net);
      or_value_id_t a = net_input(&net, OR_FLOAT32, NET_SHAPE(m, k));
      or_value_id_t b =
          constant ? net_constant(&net, OR_FLOAT32, NET_SHAPE(k, n)) : net_input(&net, OR_FLOAT32, NET_SHAPE(k, n));
      net_output(&net, net_simple(&net, "MatMul", 13, NET_IDS(a, b)));
      double seconds = time_net(&net, device, &kernel);
      double flops = 2.0 * (double)m * (double)n * (double)k / seconds;
      printf("matmul %lldx%lldx%lld %s: %.3f ms, %.1f GFLOP/s, %.1f %% of peak, %.1f GB/s of B (%s)\n", (long long)m,
             (long long)k, (long long)n, constant ? "constant B" : "given B", seconds * 1e3, flops * 1e-9,
             flops / peaks->fp32_flops * 100.0, (double)(k * n * 4) / seconds * 1e-9, kernel);
    }
  }
}

static void bench_vectors(or_device_t *device, const or_device_peaks_t *peaks) {
  static const struct {
    const char *op;
    int inputs, streams;
  } rows[] = {{"Copy", 1, 2},    {"Axpy", 2, 3}, {"Triad", 2, 3}, {"Scale", 1, 2},
              {"ReadSum", 1, 1}, {"Dot", 2, 2},  {"Fill", 0, 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows - 1; ++i) {
    net_t net;
    const char *kernel = "";
    const int64_t n = 32 << 20;
    net_init(&net);
    or_value_id_t x[2] = {0};
    for (int j = 0; j < rows[i].inputs; ++j) x[j] = net_input(&net, OR_FLOAT32, NET_SHAPE(n));
    net_output(&net, net_simple(&net, rows[i].op, 1, x, (size_t)rows[i].inputs));
    double seconds = time_net(&net, device, &kernel);
    double rate = (double)rows[i].streams * (double)n * 4.0 / seconds;
    double limit = rows[i].streams == rows[i].inputs ? peaks->read_bytes_per_second : peaks->copy_bytes_per_second;
    printf("%s 128 MiB: %.2f ms, %.1f GB/s, %.1f %% of %s bandwidth (%s)\n", rows[i].op, seconds * 1e3, rate * 1e-9,
           rate / limit * 100.0, rows[i].streams == rows[i].inputs ? "read" : "copy", kernel);
  }
}

static void bench_layers(or_device_t *device) {
  static const int64_t shapes[][4] = {{8, 12, 128, 128}, {1, 512, 32, 32}};
  static const char *const ops[] = {"Softmax", "Relu", "Tanh", "Gelu", "Exp"};
  for (size_t s = 0; s < 2; ++s) {
    for (size_t i = 0; i < sizeof ops / sizeof *ops; ++i) {
      net_t net;
      const char *kernel = "";
      net_init(&net);
      or_value_id_t x = net_input(&net, OR_FLOAT32, or_shape_make(4, shapes[s]));
      net_output(&net, net_simple(&net, ops[i], 20, &x, 1));
      double seconds = time_net(&net, device, &kernel);
      uint64_t count = 0;
      or_shape_t shape = or_shape_make(4, shapes[s]);
      (void)or_shape_count(&shape, &count);
      printf("%s of %llu: %.3f ms, %.1f GB/s (%s)\n", ops[i], (unsigned long long)count, seconds * 1e3,
             (double)count * 8.0 / seconds * 1e-9, kernel);
    }
  }
}

/* Convolutions of ResNet-50 and MobileNetV2. */
static void bench_convolutions(or_device_t *device, const or_device_peaks_t *peaks) {
  static const int64_t rows[][6] = {/* channels in, out, picture, kernel, stride, groups */
                                    {3, 64, 224, 7, 2, 1},   {64, 64, 56, 1, 1, 1},    {64, 64, 56, 3, 1, 1},
                                    {64, 256, 56, 1, 1, 1},  {128, 128, 28, 3, 1, 1},  {256, 1024, 14, 1, 1, 1},
                                    {256, 256, 14, 3, 1, 1}, {512, 2048, 7, 1, 1, 1},  {512, 512, 7, 3, 1, 1},
                                    {96, 96, 112, 3, 2, 96}, {192, 192, 28, 3, 1, 192}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    const int64_t *r = rows[i];
    net_t net;
    const char *kernel = "";
    int64_t pads[4] = {r[3] / 2, r[3] / 2, r[3] / 2, r[3] / 2}, strides[2] = {r[4], r[4]};
    net_init(&net);
    or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(1, r[0], r[2], r[2]));
    or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(r[1], r[0] / r[5], r[3], r[3]));
    or_node_t *node = net_node(&net, "Conv", 11, NET_IDS(x, w));
    net_ints(node, "pads", pads, 4);
    net_ints(node, "strides", strides, 2);
    net_int(node, "group", r[5]);
    net_output(&net, net_done(&net, node));
    double seconds = time_net(&net, device, &kernel);
    int64_t out = r[2] / r[4];
    double flops = 2.0 * (double)(r[1] * out * out) * (double)(r[0] / r[5] * r[3] * r[3]) / seconds;
    printf("conv %lld->%lld %lldx%lld k%lld s%lld g%lld: %.3f ms, %.1f GFLOP/s, %.1f %% of peak (%s)\n",
           (long long)r[0], (long long)r[1], (long long)r[2], (long long)r[2], (long long)r[3], (long long)r[4],
           (long long)r[5], seconds * 1e3, flops * 1e-9, flops / peaks->fp32_flops * 100.0, kernel);
  }
}

/* BERT's layer, prefills, and one token against a past that is a cache (1) or comes and goes as tensors (0). */
static void bench_attention(or_device_t *device, const or_device_peaks_t *peaks) {
  static const int64_t rows[][4] = {/* queries, past, causal, cached */
                                    {128, 0, 0, 0}, {128, 0, 1, 0},  {512, 0, 0, 0}, {512, 0, 1, 0},
                                    {1, 256, 1, 1}, {1, 1023, 1, 1}, {1, 256, 1, 0}, {1, 1023, 1, 0}};
  enum { HEADS = 12, WIDTH = 64 };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    const int64_t *r = rows[i];
    net_t net;
    const char *kernel = "";
    net_init(&net);
    or_value_id_t ids[7];
    uint32_t count = 3;
    for (int j = 0; j < 3; ++j) ids[j] = net_input(&net, OR_FLOAT32, NET_SHAPE(1, r[0], HEADS * WIDTH));
    ids[3] = OR_NO_VALUE;
    for (int j = 4; r[1] > 0 && j < 6; ++j) {
      ids[j] = net_input(&net, OR_FLOAT32, NET_SHAPE(1, HEADS, r[1] + r[3], WIDTH));
      count = 6;
    }
    if (r[3]) {
      ids[count++] = net_input(&net, OR_INT64, NET_SHAPE(1));
      memcpy(net.data[ids[6]], &r[1], sizeof r[1]);
    }
    or_node_t *node = net_node(&net, r[3] ? "CachedAttention" : "Attention", r[3] ? 1 : 23, ids, count);
    net_int(node, "q_num_heads", HEADS);
    net_int(node, "kv_num_heads", HEADS);
    net_int(node, "is_causal", r[2]);
    net_output(&net, net_done(&net, node));
    double seconds = time_net(&net, device, &kernel);
    double pairs = (double)(r[0] * (r[0] + r[1]) * HEADS), bytes = (double)((r[0] + r[1]) * HEADS * WIDTH) * 8.0;
    printf("attention %lld queries, %lld past%s%s: %.3f ms, %.1f GFLOP/s, %.1f %% of peak, %.1f GB/s of keys (%s)\n",
           (long long)r[0], (long long)r[1], r[2] ? ", causal" : "", r[3] ? ", cached" : "", seconds * 1e3,
           pairs * WIDTH * 4.0 / seconds * 1e-9, pairs * WIDTH * 4.0 / seconds / peaks->fp32_flops * 100.0,
           bytes / seconds * 1e-9, kernel);
  }
}

/* What a node costs that does almost nothing: small functions one after another. */
static void bench_overhead(or_device_t *device) {
  double seconds[2];
  const char *kernel = "";
  for (int i = 0; i < 2; ++i) {
    net_t net;
    net_init(&net);
    or_value_id_t y = net_input(&net, OR_FLOAT32, NET_SHAPE(1, 16));
    for (int n = 0; n < (i == 0 ? 1 : 41); ++n) y = net_simple(&net, n % 2 ? "Relu" : "Neg", 13, &y, 1);
    net_output(&net, y);
    seconds[i] = time_net(&net, device, &kernel);
  }
  printf("a run of one node: %.2f us; another node: %.3f us\n", seconds[0] * 1e6,
         (seconds[1] - seconds[0]) / 40.0 * 1e6);
}

/* backend_bench [threads [isa [novendor]]]; BENCH=name runs the parts whose name holds it. */
static bool wanted(const char *name) { return getenv("BENCH") == NULL || strstr(name, getenv("BENCH")) != NULL; }

int main(int argc, char **argv) {
  or_rig_t rig;
  or_backend_settings_t settings = {.cpu_isa = argc > 2 ? argv[2] : "", .system_root = "", .cache_directory = ""};
  settings.threads = argc > 1 ? (int32_t)strtol(argv[1], NULL, 10) : 0;
  settings.vendor_libraries = argc <= 3;
  net_ok(or_rig_open(&rig, or_allocator_system(), or_backend_cpu_entry, &settings));
  or_device_peaks_t peaks;
  int64_t start = or_clock_ns();
  net_ok(or_device_measure_peaks(rig.devices[0], &peaks));
  printf("measured in %.2f s: fp32 %.1f, fp64 %.1f, bf16 %.1f GFLOP/s, int8 %.1f Gop/s, read %.1f, copy %.1f GB/s\n",
         (double)(or_clock_ns() - start) * 1e-9, peaks.fp32_flops * 1e-9, peaks.fp64_flops * 1e-9,
         peaks.bf16_flops * 1e-9, peaks.int8_ops * 1e-9, peaks.read_bytes_per_second * 1e-9,
         peaks.copy_bytes_per_second * 1e-9);
  if (wanted("overhead")) bench_overhead(rig.devices[0]);
  if (wanted("products")) bench_products(rig.devices[0], &peaks);
  if (wanted("vectors")) bench_vectors(rig.devices[0], &peaks);
  if (wanted("layers")) bench_layers(rig.devices[0]);
  if (wanted("convolutions")) bench_convolutions(rig.devices[0], &peaks);
  if (wanted("attention")) bench_attention(rig.devices[0], &peaks);
  or_rig_close(&rig);
  return 0;
}
