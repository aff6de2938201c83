#include "model/builtin/builtin.h"

#include <string.h>

#include "model/builtin/bert.h"
#include "model/builtin/gpt2.h"

static void build_bert_base(or_network_t *network) {
  const or_bert_config_t config = {.vocabulary = 30522,
                                   .hidden = 768,
                                   .layers = 12,
                                   .heads = 12,
                                   .intermediate = 3072,
                                   .positions = 512,
                                   .types = 2,
                                   .epsilon = 1e-12F,
                                   .activation = OR_GELU_ERF,
                                   .names = &or_bert_names,
                                   .pooler = true};
  or_build_bert(network, &config);
}

static void build_gpt2(or_network_t *network) {
  const or_gpt2_config_t config = {.vocabulary = 50257,
                                   .hidden = 768,
                                   .layers = 12,
                                   .heads = 12,
                                   .inner = 3072,
                                   .positions = 1024,
                                   .epsilon = 1e-5F,
                                   .activation = OR_GELU_TANH};
  or_build_gpt2(network, &config);
}

static const or_builtin_t builtins[] = {
    {"resnet50", NULL, "ResNet-50: pictures of 224 x 224, 1,000 classes", or_builtin_resnet50},
    {"mobilenet-v2", NULL, "MobileNetV2: pictures of 224 x 224, 1,000 classes", or_builtin_mobilenet_v2},
    {"bert-base", "bert", "BERT base: token ids to vectors of 768", build_bert_base},
    {"gpt2", "gpt", "GPT-2 124M: token ids and past keys and values to logits", build_gpt2},
};

const or_builtin_t *or_builtin_at(size_t index) {
  return index < sizeof builtins / sizeof *builtins ? &builtins[index] : NULL;
}

const or_builtin_t *or_builtin_find(const char *name) {
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; ++i) {
    const char *alias = builtins[i].alias;
    if (strcmp(builtins[i].name, name) == 0 || (alias != NULL && strcmp(alias, name) == 0)) return &builtins[i];
  }
  return NULL;
}

or_status_t or_builtin_graph(const or_builtin_t *builtin, const or_allocator_t *allocator,
                             const or_model_limits_t *limits, or_graph_t **out) {
  or_synthetic_weights_t weights;
  or_network_t network;
  or_graph_t *graph = NULL;
  *out = NULL;
  or_status_t status = or_graph_create(allocator, builtin->name, limits, &graph);
  if (!or_ok(status)) return status;
  or_synthetic_weights_init(&weights, OR_BUILTIN_SEED);
  or_network_begin(&network, graph, &weights.base);
  graph->synthetic = true;
  builtin->build(&network);
  status = or_network_end(&network);
  if (!or_ok(status)) {
    or_graph_release(graph);
    return status;
  }
  *out = graph;
  return status;
}
