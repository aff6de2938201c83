/* The CPU backend's tables: what it says of itself, memory, limits, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "backends/registry.h"
#include "fake/rig.h"

#include "backends/cpu/network_fixture_template.h"

static or_backend_settings_t settings_of(const char *isa, bool vendor) {
  return (or_backend_settings_t){
      .cpu_isa = isa, .system_root = "", .cache_directory = "", .threads = 2, .vendor_libraries = vendor};
}

static or_device_t *open_rig(or_rig_t *rig, const char *isa, bool vendor) {
  or_backend_settings_t settings = settings_of(isa, vendor);
  net_ok(or_rig_open(rig, or_allocator_system(), or_backend_cpu_entry, &settings));
  return rig->devices[0];
}

static void finds_one_device_that_is_the_host(void **state) {
  (void)state;
  or_rig_t rig;
  const or_device_facts_t *facts = or_device_facts(open_rig(&rig, "portable", false));
  assert_int_equal(rig.device_count, 1);
  assert_string_equal(facts->id, "cpu_0");
  assert_string_equal(facts->type, "cpu");
  assert_string_equal(facts->hardware_id, "host");
  assert_string_equal(facts->compute_capability, "portable");
  assert_true(facts->compute_units >= 1);
  assert_true(facts->unified_memory);
  or_rig_close(&rig);
}

static void refuses_a_host_of_another_abi(void **state) {
  (void)state;
  or_backend_t backend;
  const or_host_t host = {.abi_version = OR_BACKEND_ABI_VERSION + 1};
  or_status_t status = or_backend_cpu_entry(&host, &backend);
  assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
  or_status_ignore(status);
}

static void says_which_kernels_it_uses(void **state) {
  (void)state;
  or_rig_t rig;
  const char *detail = NULL, *advice = NULL;
  open_rig(&rig, "portable", false);
  rig.backend.describe(rig.backend.self, &detail, &advice);
  assert_string_equal(detail, "vendor libraries off, portable kernels");
  assert_null(advice);
  or_rig_close(&rig);
  open_rig(&rig, "portable", true); /* a level at which there is nothing for oneDNN to do is no reason for advice */
  rig.backend.describe(rig.backend.self, &detail, &advice);
  assert_string_equal(detail, "no oneDNN, portable kernels");
  assert_null(advice);
  or_rig_close(&rig);
}

static void ask(or_device_t *device, const net_t *net, const or_node_t *node, or_support_t *out) {
  const or_backend_device_t *opened = NULL;
  net_ok(or_device_open(device, &opened));
  opened->supports(opened->self, &net->graph, node, out);
}

static void refuses_unknown_operators_and_fusions_with_a_reason(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_rig(&rig, "", false);
  or_support_t support;
  net_t net;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(1, 4, 6, 6));
  or_value_id_t w = net_constant(&net, OR_FLOAT32, NET_SHAPE(4, 4, 1, 1));
  or_value_id_t y = net_simple(&net, "Conv", 11, NET_IDS(x, w));
  y = net_simple(&net, "Elu", 6, &y, 1);
  net_output(&net, y);
  ask(device, &net, &net.nodes[1], &support);
  assert_true(support.supported);
  net_fuse(&net, 2);
  ask(device, &net, &net.nodes[0], &support);
  assert_false(support.supported);
  assert_non_null(strstr(support.reason, "Elu"));

  or_node_t unknown = net.parts[1];
  unknown.op = "NoSuchOperator";
  unknown.domain = "com.example";
  unknown.definition = NULL;
  ask(device, &net, &unknown, &support);
  assert_false(support.supported);
  assert_non_null(strstr(support.reason, "NoSuchOperator"));
  net_deinit(&net);
  or_rig_close(&rig);
}

static void copies_large_and_small_pieces(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_rig(&rig, "", false);
  const size_t bytes = ((size_t)40 << 20) + 13;
  or_buffer_t *a = NULL, *b = NULL;
  net_ok(or_buffer_create(device, bytes, &a));
  net_ok(or_buffer_create(device, bytes, &b));
  unsigned char *from = or_buffer_host_pointer(a), *to = or_buffer_host_pointer(b);
  for (size_t i = 0; i < bytes; ++i) from[i] = (unsigned char)(i * 31 + (i >> 13));
  memset(to, 0, bytes);
  net_ok(or_buffer_copy(a, 5, b, 7, bytes - 7));
  assert_memory_equal(from + 5, to + 7, bytes - 7);
  assert_int_equal(to[6], 0);
  net_ok(or_buffer_copy(a, 3, b, 1, 1));
  assert_int_equal(to[1], from[3]);
  or_buffer_release(a);
  or_buffer_release(b);
  or_rig_close(&rig);
}

static void measures_limits_that_are_plausible(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_rig(&rig, "", false);
  or_device_peaks_t peaks;
  net_ok(or_device_measure_peaks(device, &peaks));
  /* A vector has twice as many numbers of half the size. Where other work on the machine disturbed every round of one,
   * a later measurement finds better ones. */
  for (int i = 0; i < 50 && peaks.fp64_flops >= peaks.fp32_flops * 1.5; ++i)
    net_ok(or_device_measure_peaks_again(device, &peaks));
  assert_true(peaks.fp32_flops > 1e8 && peaks.fp32_flops < 1e15);
  assert_true(peaks.fp64_flops > 1e8 && peaks.fp64_flops < peaks.fp32_flops * 1.5);
  assert_true(peaks.read_bytes_per_second > 1e7);
  assert_true(peaks.copy_bytes_per_second > 1e7);
  assert_int_equal(or_device_counters(device).live_buffers, 0);
  or_rig_close(&rig);
}

static void samples_memory(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_sample_t sample;
  net_ok(or_device_sample(open_rig(&rig, "", false), &sample));
  assert_true(sample.wall_us > 0);
  or_rig_close(&rig);
}

static void reshapes_without_work(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_rig(&rig, "", false);
  net_t net;
  net_run_t run;
  net_init(&net);
  or_value_id_t x = net_input(&net, OR_FLOAT32, NET_SHAPE(256, 1024));
  or_value_id_t shape = net_constant(&net, OR_INT64, NET_SHAPE(1));
  ((int64_t *)net.data[shape])[0] = -1;
  or_value_id_t y = net_simple(&net, "Exp", 13, &x, 1);
  y = net_simple(&net, "Reshape", 14, NET_IDS(y, shape));
  y = net_simple(&net, "Neg", 13, &y, 1);
  net_output(&net, y);
  net_compile(&net, device, &run);
  assert_string_equal(net_kernel(&run, 1), "alias");
  assert_true(run.executable.workspace_bytes < 4096); /* all three live in the caller's output */
  net_run_deinit(&run);
  net_deinit(&net);
  or_rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_one_device_that_is_the_host),
      cmocka_unit_test(refuses_a_host_of_another_abi),
      cmocka_unit_test(says_which_kernels_it_uses),
      cmocka_unit_test(refuses_unknown_operators_and_fusions_with_a_reason),
      cmocka_unit_test(copies_large_and_small_pieces),
      cmocka_unit_test(measures_limits_that_are_plausible),
      cmocka_unit_test(samples_memory),
      cmocka_unit_test(reshapes_without_work),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
