/* Recurrent layers on the device, against the C references: what a case of one run does not show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "backends/registry.h"
#include "base/clock.h"
#include "fake/rig.h"

#include "backends/cpu/network_fixture_template.h"

static const char *const levels[] = {"portable", ""};
#define LEVELS (sizeof levels / sizeof *levels)

static or_device_t *open_device(or_rig_t *rig, const char *isa, int threads) {
  or_backend_settings_t settings = {.cpu_isa = isa, .system_root = "", .cache_directory = "", .threads = threads};
  net_ok(or_rig_open(rig, or_allocator_system(), or_backend_cpu_entry, &settings));
  return rig->devices[0];
}

typedef struct layer_t {
  const char *op;
  int64_t steps, batch, input, hidden;
  bool stateful, lengths, given; /* given: weights are inputs */
} layer_t;

/* Small numbers, so that many steps stay within what float32 tells apart. */
static or_value_id_t weights(net_t *net, bool given, or_shape_t shape) {
  or_value_id_t value = given ? net_input(net, OR_FLOAT32, shape) : net_constant(net, OR_FLOAT32, shape);
  uint64_t count = 0;
  (void)or_shape_count(&shape, &count);
  for (uint64_t i = 0; i < count; ++i) ((float *)net->data[value])[i] *= 0.25F;
  return value;
}

/* Gives every output of the layer to the network, which is only this node. */
static void build(net_t *net, const layer_t *layer) {
  bool lstm = strcmp(layer->op, "LSTM") == 0;
  int64_t rows = layer->hidden * (lstm ? 4 : strcmp(layer->op, "GRU") == 0 ? 3 : 1);
  or_shape_t state = NET_SHAPE(1, layer->batch, layer->hidden);
  or_value_id_t ids[7] = {0};
  size_t count = 0;
  net_init(net);
  ids[count++] = net_input(net, OR_FLOAT32, NET_SHAPE(layer->steps, layer->batch, layer->input));
  ids[count++] = weights(net, layer->given, NET_SHAPE(1, rows, layer->input));
  ids[count++] = weights(net, layer->given, NET_SHAPE(1, rows, layer->hidden));
  ids[count++] = weights(net, layer->given, NET_SHAPE(1, 2 * rows));
  ids[count++] = layer->lengths ? net_input(net, OR_INT32, NET_SHAPE(layer->batch)) : OR_NO_VALUE;
  for (int i = 0; layer->stateful && i < (lstm ? 2 : 1); ++i) ids[count++] = net_input(net, OR_FLOAT32, state);
  or_node_t *node = net_node(net, layer->op, 14, ids, count);
  net_output(net, net_done(net, node));
  node->output_count = lstm ? 3 : 2;
  for (uint32_t i = 1; i < node->output_count; ++i) {
    or_value_id_t value = net_value(net, OR_FLOAT32, state);
    ((or_value_id_t *)(uintptr_t)node->outputs)[i] = value;
    net_output(net, value);
  }
}

/* Sequence i of the layer whose lengths are input `value` gets lengths[i]. */
static void set_lengths(net_t *net, or_value_id_t value, const int32_t *lengths) {
  memcpy(net->data[value], lengths, net_bytes(net, value));
}

static void a_run_goes_on_where_the_last_one_stopped(void **state) {
  (void)state;
  enum { STEPS = 5, BATCH = 3, INPUT = 7, HIDDEN = 24 };
  for (size_t i = 0; i < LEVELS; ++i) {
    or_rig_t rig;
    or_device_t *device = open_device(&rig, levels[i], 2);
    net_t whole, single;
    net_run_t expected, run;
    build(&whole, &(layer_t){.op = "LSTM", .steps = STEPS, .batch = BATCH, .input = INPUT, .hidden = HIDDEN});
    build(&single, &(layer_t){"LSTM", 1, BATCH, INPUT, HIDDEN, .stateful = true});
    for (or_value_id_t v = 1; v < 4; ++v) memcpy(single.data[v], whole.data[v], net_bytes(&whole, v));
    for (or_value_id_t v = 5; v < 7; ++v)
      memset(single.data[single.inputs[v - 4]], 0, net_bytes(&single, single.inputs[1]));
    net_reference(&whole, device, &expected);
    net_compile(&single, device, &run);
    net_buffers(&run, device);
    const float *x = whole.data[0], *y = or_buffer_host_pointer(expected.outputs[0]);
    for (size_t step = 0; step < STEPS; ++step) {
      size_t bytes = BATCH * HIDDEN * sizeof(float);
      net_ok(or_buffer_write(run.inputs[0], 0, x + step * BATCH * INPUT, BATCH * INPUT * sizeof(float)));
      net_run(&run, device);
      const float *now = or_buffer_host_pointer(run.outputs[0]);
      for (size_t k = 0; k < BATCH * HIDDEN; ++k)
        assert_true(net_near((double)now[k], (double)y[step * BATCH * HIDDEN + k], 1e-5));
      net_ok(or_buffer_write(run.inputs[1], 0, or_buffer_host_pointer(run.outputs[1]), bytes));
      net_ok(or_buffer_write(run.inputs[2], 0, or_buffer_host_pointer(run.outputs[2]), bytes));
    }
    net_run_deinit(&run);
    net_run_deinit(&expected);
    net_deinit(&whole);
    net_deinit(&single);
    or_rig_close(&rig);
  }
}

/* One thread; sequences shared among threads; products shared by the team. Steps beyond a chunk. */
static void agrees_however_the_work_is_cut(void **state) {
  (void)state;
  const layer_t layers[] = {
      {.op = "GRU", .steps = 700, .batch = 1, .input = 3, .hidden = 64},
      {.op = "LSTM", .steps = 70, .batch = 9, .input = 16, .hidden = 96, .stateful = true},
      {.op = "LSTM", .steps = 2, .batch = 2, .input = 520, .hidden = 512, .stateful = true},
      {.op = "GRU", .steps = 3, .batch = 11, .input = 40, .hidden = 400, .given = true},
      {.op = "RNN", .steps = 3, .batch = 2, .input = 40, .hidden = 700, .lengths = true},
  };
  for (size_t i = 0; i < sizeof layers / sizeof *layers; ++i) {
    for (int threads = 1; threads < 5; threads += 3) {
      or_rig_t rig;
      or_device_t *device = open_device(&rig, "", threads);
      net_t net;
      build(&net, &layers[i]);
      if (layers[i].lengths) set_lengths(&net, net.inputs[1], (int32_t[]){1, 3});
      net_expect_reference(&net, device, 2e-5);
      net_deinit(&net);
      or_rig_close(&rig);
    }
  }
}

static void weights_that_are_given_are_those_of_the_run(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_device(&rig, "", 2);
  net_t net;
  net_run_t run;
  build(&net, &(layer_t){.op = "GRU", .steps = 3, .batch = 2, .input = 5, .hidden = 20, .given = true});
  net_compile(&net, device, &run);
  net_buffers(&run, device);
  net_run(&run, device);
  for (or_value_id_t v = 1; v < 4; ++v) {
    float *data = net.data[v];
    for (size_t i = 0; i < net_bytes(&net, v) / sizeof *data; ++i) data[i] = -data[i];
    net_ok(or_buffer_write(run.inputs[v], 0, data, net_bytes(&net, v)));
  }
  net_run_t expected;
  net_reference(&net, device, &expected);
  net_run(&run, device);
  net_compare(&run, &expected, 1e-5);
  assert_int_equal(or_packed_counters(device).fills, 0);
  net_run_deinit(&run);
  net_run_deinit(&expected);
  net_deinit(&net);
  or_rig_close(&rig);
}

static void weights_are_packed_once_for_all_batches(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_device(&rig, "", 2);
  net_t one, many;
  net_run_t first, second;
  build(&one, &(layer_t){.op = "LSTM", .steps = 1, .batch = 1, .input = 30, .hidden = 40});
  build(&many, &(layer_t){.op = "LSTM", .steps = 9, .batch = 8, .input = 30, .hidden = 40});
  for (or_value_id_t v = 1; v < 4; ++v) {
    memcpy(many.data[v], one.data[v], net_bytes(&one, v));
    many.constants[v].hash = one.constants[v].hash;
  }
  net_compile(&one, device, &first);
  uint64_t fills = or_packed_counters(device).fills;
  assert_int_equal(fills, 2);
  net_compile(&many, device, &second);
  assert_int_equal(or_packed_counters(device).fills, fills);
  net_run_deinit(&first);
  net_run_deinit(&second);
  net_deinit(&one);
  net_deinit(&many);
  or_rig_close(&rig);
}

static void fails(net_run_t *run, or_device_t *device, or_status_code_t code, const char *part) {
  or_queue_t *queue = NULL;
  net_ok(or_device_queue(device, &queue));
  or_status_t status = or_queue_run(queue, net_run_work, run);
  assert_int_equal(or_status_code(status), code);
  assert_non_null(strstr(or_status_message(status), part));
  or_status_ignore(status); /* expected */
}

static void refuses_a_length_outside(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_device(&rig, "", 2);
  net_t net;
  net_run_t run;
  build(&net, &(layer_t){.op = "RNN", .steps = 4, .batch = 3, .input = 2, .hidden = 3, .lengths = true});
  set_lengths(&net, net.inputs[1], (int32_t[]){4, 0, 5});
  net_compile(&net, device, &run);
  net_buffers(&run, device);
  fails(&run, device, OR_INVALID_ARGUMENT, "sequence_lens[2] is 5, expected 0 to 4, the steps of X");
  net_run_deinit(&run);
  net_deinit(&net);
  or_rig_close(&rig);
}

/* Steps of seconds in all, with a deadline that passes while they are taken. */
static void stops_between_steps(void **state) {
  (void)state;
  or_rig_t rig;
  or_device_t *device = open_device(&rig, "", 2);
  net_t net;
  net_run_t run;
  or_cancel_t cancel;
  build(&net, &(layer_t){.op = "LSTM", .steps = 100000, .batch = 2, .input = 4, .hidden = 256});
  net_compile(&net, device, &run);
  net_buffers(&run, device);
  or_cancel_init(&cancel, or_clock_ns() + 1000000);
  run.cancel = &cancel;
  fails(&run, device, OR_DEADLINE_EXCEEDED, "");
  const unsigned char *y = or_buffer_host_pointer(run.outputs[0]); /* as net_buffers left it, at the last step */
  assert_int_equal(y[or_buffer_bytes(run.outputs[0]) - 1], 0xa5);
  net_run_deinit(&run);
  net_deinit(&net);
  or_rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_run_goes_on_where_the_last_one_stopped),
      cmocka_unit_test(agrees_however_the_work_is_cut),
      cmocka_unit_test(weights_that_are_given_are_those_of_the_run),
      cmocka_unit_test(weights_are_packed_once_for_all_batches),
      cmocka_unit_test(refuses_a_length_outside),
      cmocka_unit_test(stops_between_steps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
