/* The built-in networks: their parts counted, and what must be true of any BERT or GPT-2. That they are torchvision's
 * and transformers' networks is tools/compare_builtin.py's to show. */
#include "model/builtin/builtin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "base/testing.h"
#include "model/builtin/bert.h"
#include "model/builtin/gpt2.h"
#include "model/find.h"
#include "openruntime/model.h"
#include "runtime/runtime.h"
#include "runtime/session.h"

static or_runtime_t *runtime;
static char folder[] = "/tmp/or_builtin_test_XXXXXX";

static int set_up(void **state) {
  (void)state;
  or_runtime_options_t options = or_runtime_options_default();
  options.threads = 1;
  options.backends = "cpu";
  expect_ok(or_runtime_create(&options, &runtime));
  return mkdtemp(folder) == NULL;
}

static int tear_down(void **state) {
  (void)state;
  or_runtime_release(runtime);
  return rmdir(folder);
}

static size_t count_of(const or_graph_t *graph, const char *op) {
  size_t count = 0;
  for (size_t n = 0; n < graph->node_count; ++n) count += strcmp(graph->nodes[n].op, op) == 0;
  return count;
}

static void has_the_layers_and_parameters_of_the_published_networks(void **state) {
  (void)state;
  /* Parameters as torchvision and transformers count them; of the first two also the normalisations' statistics. */
  static const struct {
    const char *name, *op, *other_op;
    size_t count, other_count;
    uint64_t parameters;
  } cases[] = {{"resnet50", "Conv", "BatchNormalization", 53, 53, 25557032 + 2 * 26560},
               {"mobilenet-v2", "Conv", "Clip", 52, 35, 3504872 + 2 * 17056},
               {"bert-base", "LayerNormalization", "Erf", 25, 12, 109482240},
               {"bert-base", "Softmax", "MatMul", 12, 96, 109482240},
               {"gpt2", "LayerNormalization", "Tanh", 25, 12, 124439808},
               {"gpt2", "Softmax", "Concat", 12, 25, 124439808}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_graph_t *graph = NULL;
    expect_ok(or_builtin_graph(or_builtin_find(cases[i].name), or_allocator_system(), NULL, &graph));
    assert_int_equal(count_of(graph, cases[i].op), cases[i].count);
    assert_int_equal(count_of(graph, cases[i].other_op), cases[i].other_count);
    assert_int_equal(graph->weight_bytes, cases[i].parameters * sizeof(float));
    assert_int_equal(graph->opset, 17);
    assert_true(graph->synthetic);
    or_graph_release(graph);
  }
}

static or_status_t build_mobilenet(const or_allocator_t *allocator) {
  or_graph_t *graph = NULL;
  or_status_t status = or_builtin_graph(or_builtin_find("mobilenet-v2"), allocator, NULL, &graph);
  or_graph_release(graph);
  return status;
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(build_mobilenet);
}

static void honours_the_limits_of_a_load(void **state) {
  (void)state;
  or_model_t *model = NULL;
  const or_model_options_t options = {.limits.nodes = 10};
  expect_failure(or_model_load(runtime, "resnet50", &options, &model), OR_RESOURCE_EXHAUSTED, "more than 10 nodes");
  assert_null(model);
}

static void is_found_by_name_and_short_name_unless_a_file_has_it(void **state) {
  (void)state;
  static const char *const names[][2] = {{"resnet50", "resnet50"},
                                         {"mobilenet-v2", "mobilenet-v2"},
                                         {"bert-base", "bert-base"},
                                         {"bert", "bert-base"},
                                         {"gpt", "gpt2"}};
  char path[128];
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    for (int paths = 0; paths < 2; ++paths) {
      const or_model_search_t search = {.directory = folder, .allow_paths = paths != 0};
      or_model_t *model = NULL;
      expect_ok(or_model_find(runtime, &search, names[i][0], &model));
      assert_string_equal(or_model_name(model), names[i][1]);
      assert_string_equal(or_model_weights(model), "synthetic");
      assert_string_equal(or_model_path(model), "");
      or_model_release(model);
    }
  }
  or_format(path, sizeof path, "%s/gpt2.onnx", folder);
  expect_ok(or_file_write(path, "x", 1));
  const or_model_search_t search = {.directory = folder};
  or_model_t *model = NULL;
  expect_failure(or_model_find(runtime, &search, "gpt2", &model), OR_DATA_LOSS, "gpt2.onnx");
  assert_int_equal(unlink(path), 0);
}

static void says_what_a_name_may_have_meant(void **state) {
  (void)state;
  const or_model_search_t search = {.directory = folder, .allow_paths = true}, server = {.directory = NULL};
  or_model_t *model = NULL;
  expect_failure(or_model_find(runtime, &search, "resnet5", &model), OR_NOT_FOUND, "did you mean \"resnet50\"");
  expect_failure(or_model_find(runtime, &search, "resnet50:2", &model), OR_NOT_FOUND, "no model \"resnet50\"");
  expect_failure(or_model_find(runtime, &search, "./resnet50", &model), OR_NOT_FOUND, "./resnet50");
  expect_failure(or_model_find(runtime, &server, "/etc/passwd", &model), OR_NOT_FOUND, "no model");
}

/* A small network as a session, and runs of it. */
typedef struct net_t {
  or_graph_t *graph;
  or_session_t *session;
  or_device_t *device;
} net_t;

static void begin(net_t *net, or_synthetic_weights_t *weights, or_network_t *network) {
  expect_ok(or_graph_create(or_allocator_system(), "small", NULL, &net->graph));
  expect_ok(or_runtime_find_device(runtime, "cpu", &net->device));
  or_synthetic_weights_init(weights, 5);
  or_network_begin(network, net->graph, &weights->base);
}

static void end(net_t *net, or_network_t *network) {
  const or_owner_t nobody = {NULL, NULL};
  const or_session_options_t options = {.device = net->device};
  expect_ok(or_network_end(network));
  expect_ok(or_session_create_for_graph(runtime, net->graph, &options, nobody, &net->session));
}

static void close_net(net_t *net) {
  or_session_release(net->session);
  or_graph_release(net->graph);
}

static or_tensor_t *numbers(const net_t *net, int64_t batch, int64_t sequence, const int64_t *data) {
  or_tensor_t *tensor = NULL;
  or_shape_t shape = or_shape_make(2, (const int64_t[]){batch, sequence});
  expect_ok(
      or_tensor_create_from(net->device, OR_INT64, shape, data, (size_t)(batch * sequence) * sizeof *data, &tensor));
  return tensor;
}

static void expect_near(const float *a, const float *b, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (fabsf(a[i] - b[i]) > 1e-5F * (1.0F + fabsf(b[i])))
      fail_msg("element %zu: %.8g and %.8g", i, (double)a[i], (double)b[i]);
  }
}

#define HIDDEN 24
static const or_bert_config_t small_bert = {.vocabulary = 31,
                                            .hidden = HIDDEN,
                                            .layers = 2,
                                            .heads = 3,
                                            .intermediate = 40,
                                            .positions = 9,
                                            .types = 2,
                                            .epsilon = 1e-12F,
                                            .activation = OR_GELU_ERF,
                                            .names = &or_bert_names,
                                            .pooling = OR_POOLING_MEAN,
                                            .normalize = true};

static void what_the_mask_leaves_out_does_not_matter_to_a_sentence(void **state) {
  (void)state;
  net_t net;
  or_network_t network;
  or_synthetic_weights_t weights;
  begin(&net, &weights, &network);
  or_build_bert(&network, &small_bert);
  end(&net, &network);
  const int64_t padded[] = {4, 9, 2, 30, 17, 8}, mask[] = {1, 1, 1, 0, 1, 1}, alone[] = {4, 9};
  or_binding_t inputs[] = {{.name = "input_ids", .tensor = numbers(&net, 2, 3, padded)},
                           {.name = "attention_mask", .tensor = numbers(&net, 2, 3, mask)}};
  or_binding_t outputs[] = {{.name = "sentence_embedding"}}, shorter[] = {{.name = "sentence_embedding"}};
  expect_ok(or_session_run(net.session, inputs, 2, outputs, 1));
  const float *embedding = or_tensor_data(outputs[0].tensor);
  for (int row = 0; row < 2; ++row) {
    double length = 0;
    for (int i = 0; i < HIDDEN; ++i) length += pow((double)embedding[row * HIDDEN + i], 2);
    assert_true(fabs(length - 1) < 1e-5);
  }
  /* The first sentence with its third token masked is it without that token, and no mask means all tokens. */
  const int64_t cut_mask[] = {1, 1, 0, 1, 1, 1};
  or_tensor_release(inputs[1].tensor);
  inputs[1].tensor = numbers(&net, 2, 3, cut_mask);
  or_tensor_release(outputs[0].tensor);
  outputs[0].tensor = NULL;
  expect_ok(or_session_run(net.session, inputs, 2, outputs, 1));
  or_binding_t single = {.name = "input_ids", .tensor = numbers(&net, 1, 2, alone)};
  expect_ok(or_session_run(net.session, &single, 1, shorter, 1));
  expect_near(or_tensor_data(outputs[0].tensor), or_tensor_data(shorter[0].tensor), HIDDEN);
  or_tensor_t *const done[] = {inputs[0].tensor, inputs[1].tensor, outputs[0].tensor, single.tensor, shorter[0].tensor};
  for (size_t i = 0; i < sizeof done / sizeof *done; ++i) or_tensor_release(done[i]);
  close_net(&net);
}

#define LAYERS 2
#define HEADS 3
#define WIDTH 8
#define VOCABULARY 37
static const or_gpt2_config_t small_gpt2 = {.vocabulary = VOCABULARY,
                                            .hidden = HEADS * WIDTH,
                                            .layers = LAYERS,
                                            .heads = HEADS,
                                            .inner = 50,
                                            .positions = 12,
                                            .epsilon = 1e-5F,
                                            .activation = OR_GELU_TANH};
enum { PASTS = 2 * LAYERS, INPUTS = 2 + PASTS, OUTPUTS = 1 + PASTS };

/* Runs `length` tokens behind `past`, whose keys and values `cache` holds; it then holds those behind them too. */
static or_tensor_t *run_gpt2(const net_t *net, const int64_t *ids, int64_t past, int64_t length, or_tensor_t **cache) {
  char names[INPUTS + OUTPUTS][40];
  or_binding_t inputs[INPUTS] = {0}, outputs[OUTPUTS] = {0};
  int64_t positions[16];
  for (int64_t i = 0; i < length; ++i) positions[i] = past + i;
  inputs[0] = (or_binding_t){.name = "input_ids", .tensor = numbers(net, 1, length, ids)};
  inputs[1] = (or_binding_t){.name = "position_ids", .tensor = numbers(net, 1, length, positions)};
  outputs[0].name = "logits";
  for (int i = 0; i < PASTS; ++i) {
    const char *part = i % 2 == 0 ? "key" : "value";
    inputs[2 + i].name = or_format(names[i], sizeof names[i], "past_key_values.%d.%s", i / 2, part);
    outputs[1 + i].name = or_format(names[INPUTS + i], sizeof names[i], "present.%d.%s", i / 2, part);
    inputs[2 + i].tensor = cache[i];
  }
  expect_ok(or_session_run(net->session, inputs, INPUTS, outputs, OUTPUTS));
  for (int i = 0; i < INPUTS; ++i) or_tensor_release(inputs[i].tensor);
  for (int i = 0; i < PASTS; ++i) cache[i] = outputs[1 + i].tensor;
  return outputs[0].tensor;
}

static void empty_cache(const net_t *net, or_tensor_t **cache) {
  or_shape_t shape = or_shape_make(4, (const int64_t[]){1, HEADS, 0, WIDTH});
  for (int i = 0; i < PASTS; ++i) expect_ok(or_tensor_create(net->device, OR_FLOAT32, shape, &cache[i]));
}

static void tokens_one_by_one_give_what_all_at_once_gives(void **state) {
  (void)state;
  static const int64_t ids[] = {7, 36, 0, 19, 7, 21};
  enum { COUNT = sizeof ids / sizeof *ids };
  net_t net;
  or_network_t network;
  or_synthetic_weights_t weights;
  begin(&net, &weights, &network);
  or_build_gpt2(&network, &small_gpt2);
  end(&net, &network);
  or_tensor_t *whole[PASTS], *cache[PASTS];
  empty_cache(&net, whole);
  empty_cache(&net, cache);
  or_tensor_t *logits = run_gpt2(&net, ids, 0, COUNT, whole);
  for (int i = 0, step = 1; i < COUNT; i += step, step = i >= 3 ? 2 : 1) {
    step = i + step > COUNT ? COUNT - i : step;
    or_tensor_t *part = run_gpt2(&net, ids + i, i, step, cache);
    expect_near(or_tensor_data(part), (const float *)or_tensor_data(logits) + i * VOCABULARY,
                (size_t)step * VOCABULARY);
    or_tensor_release(part);
  }
  for (int i = 0; i < PASTS; ++i) {
    assert_int_equal(or_tensor_shape(cache[i])->dims[2], COUNT);
    expect_near(or_tensor_data(cache[i]), or_tensor_data(whole[i]), (size_t)COUNT * HEADS * WIDTH);
    or_tensor_release(cache[i]);
    or_tensor_release(whole[i]);
  }
  or_tensor_release(logits);
  close_net(&net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(has_the_layers_and_parameters_of_the_published_networks),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
      cmocka_unit_test(honours_the_limits_of_a_load),
      cmocka_unit_test(is_found_by_name_and_short_name_unless_a_file_has_it),
      cmocka_unit_test(says_what_a_name_may_have_meant),
      cmocka_unit_test(what_the_mask_leaves_out_does_not_matter_to_a_sentence),
      cmocka_unit_test(tokens_one_by_one_give_what_all_at_once_gives),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
