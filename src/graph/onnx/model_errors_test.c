/* What a model may do wrong, one thing at a time, and what is said about it. */
#include <stdio.h>

#include "graph/onnx/testing.h"

/* The model is refused with this code and these words. */
static void refused(pb_t model, or_status_code_t code, const char *words) {
  or_graph_t *graph = NULL;
  size_t alive = or_status_live_count();
  expect_failure(read_proto(model, NULL, &graph), code, words);
  assert_null(graph);
  assert_int_equal(or_status_live_count(), alive);
}

static pb_t with_node(pb_t node) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node);
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "4"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "4"));
  return model_proto(graph, 13);
}

static pb_t with_attribute(pb_t attribute) {
  pb_t node = node_proto("Softmax", "x", "y");
  pb_put(&node, 5, attribute);
  return with_node(node);
}

static pb_t with_graph_field(uint32_t field, pb_t content) {
  pb_t graph = relu_graph();
  pb_put(&graph, field, content);
  return model_proto(graph, 13);
}

static void refuses_what_is_no_model(void **state) {
  (void)state;
  pb_t pb = {.data = NULL};
  refused(pb, OR_DATA_LOSS, "model \"test.onnx\": there is no graph");
  pb_append(&pb, "<!doctype html>", 15);
  refused(pb, OR_DATA_LOSS, "not an ONNX file");
  pb = model_proto(relu_graph(), 13);
  pb_put(&pb, 7, relu_graph());
  refused(pb, OR_DATA_LOSS, "two graphs");
  pb = (pb_t){.data = NULL};
  pb_int(&pb, 7, 1);
  refused(pb, OR_DATA_LOSS, "ModelProto.graph has wire type 0, expected 2");
  pb = model_proto((pb_t){.data = NULL}, 13);
  refused(pb, OR_INVALID_ARGUMENT, "no output");
}

static void refuses_opsets_that_it_does_not_know(void **state) {
  (void)state;
  refused(model_proto(relu_graph(), 0), OR_INVALID_ARGUMENT, "no opset is imported");
  refused(model_proto(relu_graph(), -3), OR_INVALID_ARGUMENT, "opset -3 of ai.onnx");
  char words[96];
  int newest = or_op_newest_opset("");
  (void)snprintf(words, sizeof words, "opset %d of ai.onnx is newer than %d, the newest known here", newest + 1,
                 newest);
  refused(model_proto(relu_graph(), newest + 1), OR_UNIMPLEMENTED, words);
  refused(model_proto(relu_graph(), INT64_MAX), OR_UNIMPLEMENTED, "9223372036854775807");
  pb_t model = model_proto(relu_graph(), 13);
  pb_put(&model, 8, opset_proto("ai.onnx", 12));
  refused(model, OR_INVALID_ARGUMENT, "two opsets of domain \"ai.onnx\" are imported: 13 and 12");
  model = model_proto(relu_graph(), 13);
  for (int i = 0; i < 64; ++i) {
    char domain[32];
    (void)snprintf(domain, sizeof domain, "domain%d", i);
    pb_put(&model, 8, opset_proto(domain, 1));
  }
  refused(model, OR_RESOURCE_EXHAUSTED, "more than 64 opsets");
}

static void names_node_operator_and_cure_for_unknown_operators(void **state) {
  (void)state;
  pb_t node = node_proto("Attention", "x", "y");
  pb_text(&node, 3, "n");
  pb_text(&node, 7, "com.example");
  pb_t model = with_node(node);
  pb_put(&model, 8, opset_proto("com.example", 1));
  refused(model, OR_UNIMPLEMENTED,
          "model \"test.onnx\": node \"n\" (com.example.Attention, opset 1): unknown operator; known domains: ai.onnx, "
          "openruntime; export with");
  static const char *const foreign[][3] = {
      {"com.microsoft", "DynamicQuantizeLSTM", "op_types_to_quantize without \"LSTM\""},
      {"com.microsoft", "QLinearAdd", "quant_format=QuantFormat.QDQ"},
      {"com.microsoft", "MatMulNBits", "opset 21 or later"},
      {"com.microsoft", "FusedConv", "ORT_ENABLE_BASIC at most"},
      {"com.microsoft.nchwc", "Conv", "for the machine that it runs on"},
      {"ai.onnx.ml", "TreeEnsembleClassifier", "neural networks are"},
      {"ai.onnx.preview.training", "Adam", "export the model for inference"},
      {"org.pytorch.aten", "ATen", "dynamo=True"},
  };
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; ++i) {
    node = node_proto(foreign[i][1], "x", "y");
    pb_text(&node, 7, foreign[i][0]);
    model = with_node(node);
    pb_put(&model, 8, opset_proto(foreign[i][0], 1));
    refused(model, OR_UNIMPLEMENTED, foreign[i][2]);
  }
  refused(with_node(node_proto("Softmacks", "x", "y")), OR_UNIMPLEMENTED,
          "node \"Softmacks_0\" (Softmacks, opset 13): unknown operator; known domains: ai.onnx, openruntime; "
          "docs/operators.md lists those of ai.onnx that are known, the nearest is Softmax");
  refused(with_node(node_proto("Quaternionize", "x", "y")), OR_UNIMPLEMENTED, "export without it");
  refused(with_node(node_proto("", "x", "y")), OR_UNIMPLEMENTED, "unknown operator");
  node = node_proto("CachedAttention", "x", "y"); /* what writes to its inputs is for graphs that we make */
  pb_text(&node, 7, "openruntime");
  model = with_node(node);
  pb_put(&model, 8, opset_proto("openruntime", 1));
  refused(model, OR_UNIMPLEMENTED, "(openruntime.CachedAttention, opset 1): unknown operator");
  node = node_proto("Softmax", "x", "y");
  pb_text(&node, 7, "com.example");
  refused(with_node(node), OR_UNIMPLEMENTED, "(com.example.Softmax, no opset imported)");
  node = node_proto("Copy", "x", "y");
  pb_text(&node, 7, "openruntime");
  refused(with_node(node), OR_INVALID_ARGUMENT, "imports no opset of domain openruntime");
}

static void names_the_opset_that_brought_an_operator(void **state) {
  (void)state;
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("ConstantOfShape", "x", "y"));
  pb_put(&graph, 11, value_proto("x", OR_INT64, "1"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
  refused(model_proto(graph, 8), OR_UNIMPLEMENTED, "the operator came with opset 9; export with opset >= 9");
}

/* TypeProto of `kind` with an element type, NULL: without. */
static pb_t type_of(uint32_t kind, const pb_t *element) {
  pb_t type = {.data = NULL}, holder = {.data = NULL};
  if (element != NULL) pb_bytes(&holder, 1, element->data, element->length);
  pb_put(&type, kind, holder);
  return type;
}

static void refuses_values_of_kinds_that_no_operator_takes(void **state) {
  (void)state;
  enum { TENSOR = 1, SEQUENCE = 4, MAP = 5, OPAQUE = 7, SPARSE = 8, OPTIONAL = 9 };
  static const struct {
    uint32_t outer, middle, inner;
    or_status_code_t code;
    const char *words;
  } cases[] = {{MAP, 0, 0, OR_UNIMPLEMENTED, "a map, which is not supported"},
               {SPARSE, 0, 0, OR_UNIMPLEMENTED, "a sparse tensor, which"},
               {OPAQUE, 0, 0, OR_UNIMPLEMENTED, "opaque, which"},
               {SEQUENCE, MAP, 0, OR_UNIMPLEMENTED, "a sequence of a map"},
               {SEQUENCE, SEQUENCE, TENSOR, OR_UNIMPLEMENTED, "a sequence of a sequence"},
               {SEQUENCE, OPTIONAL, TENSOR, OR_UNIMPLEMENTED, "a sequence of an optional"},
               {OPTIONAL, OPTIONAL, TENSOR, OR_UNIMPLEMENTED, "an optional of an optional"},
               {OPTIONAL, SEQUENCE, SEQUENCE, OR_UNIMPLEMENTED, "a sequence of a sequence"},
               {SEQUENCE, 0, 0, OR_INVALID_ARGUMENT, "a sequence of nothing"},
               {OPTIONAL, 0, 0, OR_INVALID_ARGUMENT, "an optional of nothing"},
               {SEQUENCE, TENSOR, 0, OR_INVALID_ARGUMENT, "element type is 0"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    pb_t value = {.data = NULL}, middle = {.data = NULL}, inner = {.data = NULL}, type;
    char words[96];
    if (cases[i].inner != 0) inner = type_of(cases[i].inner, NULL);
    if (cases[i].middle != 0) middle = type_of(cases[i].middle, cases[i].inner != 0 ? &inner : NULL);
    type = type_of(cases[i].outer, cases[i].middle != 0 ? &middle : NULL);
    pb_text(&value, 1, "s");
    pb_put(&value, 2, type);
    pb_free(&middle);
    pb_free(&inner);
    (void)snprintf(words, sizeof words, "input \"s\": its %s%s", cases[i].middle == TENSOR ? "" : "type is ",
                   cases[i].words);
    refused(with_graph_field(11, value), cases[i].code, words);
  }
}

static void refuses_names_that_are_taken(void **state) {
  (void)state;
  refused(with_graph_field(11, value_proto("x", OR_FLOAT32, "1")), OR_INVALID_ARGUMENT, "input \"x\": there are two");
  refused(with_graph_field(12, value_proto("y", OR_FLOAT32, "1")), OR_INVALID_ARGUMENT,
          "output \"y\": it is listed twice");
  refused(with_graph_field(1, node_proto("Relu", "x", "y")), OR_INVALID_ARGUMENT, "\"y\" is already produced");
  refused(with_graph_field(1, node_proto("Relu", "y", "x")), OR_INVALID_ARGUMENT, "\"x\" is an input of the graph too");
  refused(with_graph_field(5, tensor_proto("y", OR_FLOAT32, "0")), OR_INVALID_ARGUMENT, "\"y\" is an initializer too");
  pb_t graph = relu_graph();
  for (int i = 0; i < 2; ++i) pb_put(&graph, 5, tensor_proto("w", OR_FLOAT32, "0"));
  refused(model_proto(graph, 13), OR_INVALID_ARGUMENT, "initializer \"w\": there are two initializers of that name");
  pb_t attribute = {.data = NULL}, node = node_proto("Softmax", "x", "y");
  pb_text(&attribute, 1, "axis");
  pb_int(&attribute, 3, 0);
  pb_bytes(&node, 5, attribute.data, attribute.length);
  pb_put(&node, 5, attribute);
  refused(with_node(node), OR_INVALID_ARGUMENT, "node \"Softmax_0\" (Softmax): there are two attributes \"axis\"");
}

static void refuses_cycles_and_missing_producers(void **state) {
  (void)state;
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Add", "x,b", "a"));
  pb_put(&graph, 1, node_proto("Relu", "a", "b"));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "1"));
  pb_put(&graph, 12, value_proto("b", OR_FLOAT32, "1"));
  refused(model_proto(graph, 13), OR_INVALID_ARGUMENT, "cycle");
  refused(with_node(node_proto("Relu", "z", "y")), OR_INVALID_ARGUMENT, "input \"z\" is produced by no node");
  refused(with_node(node_proto("Relu", "x", "other")), OR_INVALID_ARGUMENT,
          "output \"y\" of the graph is produced by no node");
}

static void refuses_bad_extents_and_types(void **state) {
  (void)state;
  static const struct {
    const char *dims;
    or_status_code_t code;
    const char *words;
  } cases[] = {
      {"2,-5", OR_INVALID_ARGUMENT, "input \"i\": an extent is -5"},
      {"-9223372036854775808", OR_INVALID_ARGUMENT, "an extent is -9223372036854775808"},
      {"9223372036854775807", OR_RESOURCE_EXHAUSTED, "more elements than 68719476736, the limit"},
      {"4294967296,n,4294967296", OR_RESOURCE_EXHAUSTED, "[4294967296,s1,4294967296] has more elements"},
      {"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", OR_RESOURCE_EXHAUSTED, "more than 16 dimensions"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    refused(with_graph_field(11, value_proto("i", OR_FLOAT32, cases[i].dims)), cases[i].code, cases[i].words);
    refused(with_graph_field(13, value_proto("i", OR_FLOAT32, cases[i].dims)), cases[i].code, "value \"i\"");
  }
  refused(with_graph_field(11, value_proto("i", 0, "1")), OR_INVALID_ARGUMENT, "input \"i\": its element type is 0");
  refused(with_graph_field(11, value_proto("i", 30, "1")), OR_UNIMPLEMENTED, "input \"i\": its element type is 30");
  pb_t untyped = {.data = NULL};
  pb_text(&untyped, 1, "i");
  refused(with_graph_field(11, untyped), OR_INVALID_ARGUMENT, "input \"i\": it has no type");
  refused(with_graph_field(11, value_proto("", OR_FLOAT32, "1")), OR_INVALID_ARGUMENT, "input \"\": it has no name");
}

static void refuses_types_that_contradict_each_other(void **state) {
  (void)state;
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Relu", "x", "y"));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "1"));
  pb_put(&graph, 12, value_proto("y", OR_INT64, "1"));
  refused(model_proto(graph, 13), OR_INVALID_ARGUMENT,
          "output \"y\" is declared as int64, and the operator gives float32");
  refused(with_graph_field(13, value_proto("y", OR_INT64, "1")), OR_INVALID_ARGUMENT,
          "output \"y\": it is declared as float32 here and as int64 before");
  const float one[2] = {1, 1};
  for (int i = 0; i < 3; ++i) {
    graph = relu_graph();
    pb_put(&graph, 5, raw_tensor_proto("w", OR_FLOAT32, "2", one, sizeof one));
    pb_put(&graph, 11, value_proto("w", i == 0 ? OR_FLOAT16 : OR_FLOAT32, i == 1 ? "3" : i == 2 ? "2,1" : "2"));
    refused(model_proto(graph, 13), OR_INVALID_ARGUMENT,
            "input \"w\": its type or shape differs from that of its initializer");
  }
}

static void refuses_bad_attributes(void **state) {
  (void)state;
  pb_t attribute = {.data = NULL};
  pb_int(&attribute, 3, 1);
  refused(with_attribute(attribute), OR_INVALID_ARGUMENT, "attribute \"\": it has no name");
  static const struct {
    int kind;
    or_status_code_t code;
    const char *words;
  } cases[] = {
      {0, OR_INVALID_ARGUMENT, "neither a kind nor a value"},
      {99, OR_INVALID_ARGUMENT, "its kind is 99"},
      {-1, OR_INVALID_ARGUMENT, "its kind is -1"},
      {4, OR_INVALID_ARGUMENT, "it has no tensor"},
      {9, OR_UNIMPLEMENTED, "it holds tensors"},
      {10, OR_UNIMPLEMENTED, "it holds graphs"},
      {11, OR_UNIMPLEMENTED, "it holds a sparse tensor, which only Constant may have"},
      {12, OR_UNIMPLEMENTED, "it holds sparse tensors"},
      {13, OR_INVALID_ARGUMENT, "it has 0 values, expected one"},
      {14, OR_UNIMPLEMENTED, "it holds types"},
      {1, OR_INVALID_ARGUMENT, "float, expected int"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    attribute = (pb_t){.data = NULL};
    pb_text(&attribute, 1, "axis");
    pb_int(&attribute, 20, cases[i].kind);
    refused(with_attribute(attribute), cases[i].code, cases[i].words);
  }
  attribute = (pb_t){.data = NULL};
  pb_text(&attribute, 1, "axis");
  pb_text(&attribute, 21, "outer");
  refused(with_attribute(attribute), OR_INVALID_ARGUMENT, "attribute \"axis\": it refers to \"outer\"");
  attribute = (pb_t){.data = NULL};
  pb_text(&attribute, 1, "axis");
  pb_int(&attribute, 20, 2);
  pb_float(&attribute, 2, 1);
  refused(with_attribute(attribute), OR_INVALID_ARGUMENT, "it holds a value of another one (field 2)");
  attribute = (pb_t){.data = NULL};
  pb_text(&attribute, 1, "sharpness");
  pb_int(&attribute, 3, 1);
  refused(with_attribute(attribute), OR_INVALID_ARGUMENT, "\"sharpness\" is not one of Softmax");
  pb_t node = node_proto("Softmax", "x", "y");
  for (int i = 0; i < 65; ++i) {
    attribute = (pb_t){.data = NULL};
    pb_text(&attribute, 1, "axis");
    pb_put(&node, 5, attribute);
  }
  refused(with_node(node), OR_RESOURCE_EXHAUSTED, "65 attributes, more than 64");
}

static void refuses_bad_texts(void **state) {
  (void)state;
  static char longest[2050];
  memset(longest, 'n', sizeof longest - 1);
  pb_t node = node_proto("Relu", "x", "y");
  pb_text(&node, 3, longest);
  refused(with_node(node), OR_RESOURCE_EXHAUSTED, "NodeProto.name has 2049 bytes, more than 2048");
  node = node_proto("Relu", "x", "y");
  pb_text(&node, 3, "\xff");
  refused(with_node(node), OR_DATA_LOSS, "NodeProto.name is not a text in UTF-8");
  node = node_proto("Relu", "x", "y");
  pb_bytes(&node, 1, "x\0z", 3);
  refused(with_node(node), OR_DATA_LOSS, "NodeProto.input is not a text");
  node = node_proto("Relu", "x", "y");
  pb_int(&node, 2, 1);
  refused(with_node(node), OR_DATA_LOSS, "NodeProto.output has wire type 0");
}

static void names_the_limit_that_a_model_exceeds(void **state) {
  (void)state;
  static const or_model_limits_t limits[] = {
      {.file_bytes = 16}, {.nodes = 1}, {.values = 2}, {.initializer_bytes = 8}, {.tensor_elements = 2}};
  static const char *const words[] = {"limits.file_bytes", "limits.nodes", "limits.values", "limits.initializer_bytes",
                                      "limits.tensor_elements"};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i) {
    const float three[3] = {1, 2, 3};
    or_graph_t *read = NULL;
    pb_t graph = {.data = NULL};
    pb_put(&graph, 1, node_proto("Relu", "w", "h"));
    pb_put(&graph, 1, node_proto("Relu", "h", "y"));
    pb_put(&graph, 5, raw_tensor_proto("w", OR_FLOAT32, "3", three, sizeof three));
    pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
    expect_failure(read_proto(model_proto(graph, 13), &limits[i], &read), OR_RESOURCE_EXHAUSTED, words[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refuses_what_is_no_model),
      cmocka_unit_test(refuses_opsets_that_it_does_not_know),
      cmocka_unit_test(names_node_operator_and_cure_for_unknown_operators),
      cmocka_unit_test(names_the_opset_that_brought_an_operator),
      cmocka_unit_test(refuses_values_of_kinds_that_no_operator_takes),
      cmocka_unit_test(refuses_names_that_are_taken),
      cmocka_unit_test(refuses_cycles_and_missing_producers),
      cmocka_unit_test(refuses_bad_extents_and_types),
      cmocka_unit_test(refuses_types_that_contradict_each_other),
      cmocka_unit_test(refuses_bad_attributes),
      cmocka_unit_test(refuses_bad_texts),
      cmocka_unit_test(names_the_limit_that_a_model_exceeds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
