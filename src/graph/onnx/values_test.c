/* Values that are no dense tensors of numbers: sequences, optionals, strings, sparse tensors. */
#include "graph/onnx/testing.h"

static or_value_id_t value_of(const or_graph_t *graph, const char *name) {
  for (size_t i = 0; i < graph->value_count; ++i) {
    if (strcmp(graph->values[i].name, name) == 0) return (or_value_id_t)i;
  }
  fail_msg("no value \"%s\"", name);
  return OR_NO_VALUE;
}

/* TypeProto of a tensor of the dtype, in a sequence, in an optional. */
static pb_t type_proto(int dtype, bool sequence, bool optional) {
  pb_t tensor = {.data = NULL}, type = {.data = NULL};
  pb_int(&tensor, 1, dtype);
  pb_put(&tensor, 2, shape_proto("n,2"));
  pb_put(&type, 1, tensor);
  for (int i = 0; i < 2; ++i) {
    if (!(i == 0 ? sequence : optional)) continue;
    pb_t holder = {.data = NULL}, outer = {.data = NULL};
    pb_put(&holder, 1, type);
    pb_put(&outer, i == 0 ? 4 : 9, holder);
    type = outer;
  }
  return type;
}

static pb_t typed_value(const char *name, pb_t type) {
  pb_t value = {.data = NULL};
  pb_text(&value, 1, name);
  pb_put(&value, 2, type);
  return value;
}

static void inputs_and_outputs_have_the_form_that_their_type_says(void **state) {
  (void)state;
  static const or_value_form_t forms[] = {OR_FORM_TENSOR, OR_FORM_SEQUENCE, OR_FORM_OPTIONAL_TENSOR,
                                          OR_FORM_OPTIONAL_SEQUENCE};
  for (size_t i = 0; i < 4; ++i) {
    const bool sequence = i % 2 == 1, optional = i > 1;
    pb_t graph = {.data = NULL};
    or_graph_t *read = NULL;
    pb_put(&graph, 1, node_proto("Identity", "x", "y"));
    pb_put(&graph, 11, typed_value("x", type_proto(OR_FLOAT32, sequence, optional)));
    pb_put(&graph, 12, typed_value("y", type_proto(OR_FLOAT32, sequence, optional)));
    expect_ok(read_proto(model_proto(graph, 16), NULL, &read));
    const or_value_info_t *x = &read->values[read->inputs[0]], *y = &read->values[read->outputs[0]];
    assert_int_equal(x->form, forms[i]);
    assert_int_equal(x->dtype, OR_FLOAT32);
    assert_int_equal(x->shape.dims[0], OR_DIM_SYMBOL(0));
    assert_int_equal(x->shape.dims[1], 2);
    assert_int_equal(y->form, forms[i]);
    or_graph_release(read);
  }
  pb_t graph = {.data = NULL};
  or_graph_t *read = NULL;
  pb_put(&graph, 1, node_proto("Identity", "x", "y"));
  pb_put(&graph, 11, typed_value("x", type_proto(OR_FLOAT32, true, false)));
  pb_put(&graph, 13, typed_value("y", type_proto(OR_FLOAT32, true, false)));
  pb_put(&graph, 12, typed_value("y", type_proto(OR_FLOAT32, false, false)));
  expect_failure(read_proto(model_proto(graph, 16), NULL, &read), OR_INVALID_ARGUMENT,
                 "it is declared as a tensor of float32 here and as a sequence of float32 before");
}

static void an_attribute_may_be_a_type(void **state) {
  (void)state;
  pb_t graph = {.data = NULL}, node = node_proto("Optional", "", "y"), attribute = {.data = NULL};
  or_graph_t *read = NULL;
  pb_text(&attribute, 1, "type");
  pb_put(&attribute, 14, type_proto(OR_INT64, true, false));
  pb_int(&attribute, 20, 13);
  pb_put(&node, 5, attribute);
  pb_put(&graph, 1, node);
  pb_put(&graph, 12, typed_value("y", type_proto(OR_INT64, true, true)));
  expect_ok(read_proto(model_proto(graph, 16), NULL, &read));
  assert_int_equal(read->nodes[0].attributes[0].kind, OR_ATTRIBUTE_TYPE);
  assert_int_equal(read->nodes[0].attributes[0].form, OR_FORM_SEQUENCE);
  assert_int_equal(read->nodes[0].attributes[0].dtype, OR_INT64);
  assert_int_equal(read->values[read->outputs[0]].form, OR_FORM_OPTIONAL_SEQUENCE);
  or_graph_release(read);
}

static void expect_strings(const or_constant_t *constant, int32_t rank, const char *first, const char *second) {
  const char *const words[] = {first, second};
  assert_non_null(constant);
  assert_int_equal(constant->dtype, OR_STRING);
  assert_int_equal(constant->shape.rank, rank);
  const or_string_t *strings = constant->data;
  assert_non_null(strings);
  for (size_t i = 0; i < constant->bytes / sizeof *strings; ++i) {
    assert_int_equal(strings[i].length, strlen(words[i]));
    assert_memory_equal(strings[i].data, words[i], strings[i].length);
  }
}

static pb_t words_proto(const char *name, const char *first, const char *second) {
  pb_t pb = tensor_proto(name, OR_STRING, "2");
  pb_text(&pb, 6, first);
  pb_text(&pb, 6, second);
  return pb;
}

/* A Constant whose attribute `name` has `kind`, and what `field` holds. */
static pb_t constant_node(const char *name, int kind, uint32_t field, pb_t content, const char *output) {
  pb_t node = node_proto("Constant", "", output), attribute = {.data = NULL};
  pb_text(&attribute, 1, name);
  pb_int(&attribute, 20, kind);
  pb_put(&attribute, field, content);
  pb_put(&node, 5, attribute);
  return node;
}

static pb_t bytes_of(const char *text) {
  pb_t pb = {.data = NULL};
  pb_append(&pb, text, strlen(text));
  return pb;
}

static pb_t strings_model(void) {
  static const char *const outputs[] = {"a", "b", "c", "d", "e"};
  pb_t graph = {.data = NULL};
  pb_put(&graph, 5, words_proto("a", "left", "right"));
  pb_put(&graph, 5, words_proto("e", "left", "right"));
  pb_put(&graph, 1, constant_node("value", 4, 5, words_proto(NULL, "x", "yz"), "b"));
  pb_put(&graph, 1, constant_node("value_string", 3, 4, bytes_of("one"), "c"));
  pb_put(&graph, 1, constant_node("value_strings", 8, 9, bytes_of("only"), "d"));
  for (size_t i = 0; i < 5; ++i) pb_put(&graph, 12, value_proto(outputs[i], OR_STRING, NULL));
  return model_proto(graph, 16);
}

static void strings_are_constants_like_numbers(void **state) {
  (void)state;
  or_graph_t *read = NULL;
  expect_ok(read_proto(strings_model(), NULL, &read));
  assert_int_equal(read->node_count, 0);
  expect_strings(read->values[value_of(read, "a")].constant, 1, "left", "right");
  expect_strings(read->values[value_of(read, "b")].constant, 1, "x", "yz");
  expect_strings(read->values[value_of(read, "c")].constant, 0, "one", "");
  expect_strings(read->values[value_of(read, "d")].constant, 1, "only", "");
  const or_constant_t *a = read->values[value_of(read, "a")].constant, *e = read->values[value_of(read, "e")].constant;
  assert_true(a->hash == e->hash); /* by what they say, not where they are */
  assert_true(a->hash != read->values[value_of(read, "b")].constant->hash);
  or_graph_release(read);
}

static void bounds_the_bytes_of_strings(void **state) {
  (void)state;
  const or_model_limits_t limits = {.string_bytes = 8};
  or_graph_t *read = NULL;
  expect_failure(
      read_proto(strings_model(), &limits, &read), OR_RESOURCE_EXHAUSTED,
      "initializer \"a\": its strings have 9 bytes together, more than 8, the limit: raise limits.string_bytes");
}

/* SparseTensorProto. */
static pb_t sparse_proto(pb_t values, pb_t indices, const char *dims) {
  pb_t pb = {.data = NULL};
  char piece[64];
  pb_put(&pb, 1, values);
  pb_put(&pb, 2, indices);
  for (const char *at = dims; at != NULL;) {
    at = next_piece(at, piece);
    pb_int(&pb, 3, strtoll(piece, NULL, 10));
  }
  return pb;
}

static pb_t sparse_model(pb_t sparse) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 15, sparse);
  pb_put(&graph, 12, value_proto("s", OR_FLOAT32, NULL));
  return model_proto(graph, 16);
}

static const float two_values[2] = {1.5f, -2};

static pb_t sparse_at(const char *index_dims, const int64_t *indices, size_t count, const char *dims) {
  return sparse_proto(raw_tensor_proto("s", OR_FLOAT32, "2", two_values, sizeof two_values),
                      raw_tensor_proto(NULL, OR_INT64, index_dims, indices, count * sizeof *indices), dims);
}

static void sparse_tensors_become_dense(void **state) {
  (void)state;
  static const int64_t linear[] = {1, 5}, pairs[] = {0, 1, 1, 2};
  static const float expected[6] = {0, 1.5f, 0, 0, 0, -2};
  for (int way = 0; way < 3; ++way) {
    pb_t sparse = way == 1 ? sparse_at("2,2", pairs, 4, "2,3") : sparse_at("2", linear, 2, "2,3"), model;
    if (way == 2) {
      pb_t graph = {.data = NULL};
      pb_put(&graph, 1, constant_node("sparse_value", 11, 22, sparse, "s"));
      pb_put(&graph, 12, value_proto("s", OR_FLOAT32, NULL));
      model = model_proto(graph, 16);
    } else {
      model = sparse_model(sparse);
    }
    or_graph_t *read = NULL;
    expect_ok(read_proto(model, NULL, &read));
    const or_constant_t *constant = read->values[value_of(read, "s")].constant;
    assert_non_null(constant);
    assert_int_equal(constant->shape.rank, 2);
    assert_int_equal(constant->bytes, sizeof expected);
    assert_memory_equal(constant->data, expected, sizeof expected);
    or_graph_release(read);
  }
  /* Two elements a byte: 3 at 1 and 7 at 4. */
  static const uint8_t nibbles[] = {0x73};
  static const int64_t places[] = {1, 4};
  pb_t graph = {.data = NULL};
  pb_put(&graph, 15,
         sparse_proto(raw_tensor_proto("s", OR_UINT4, "2", nibbles, 1),
                      raw_tensor_proto(NULL, OR_INT64, "2", places, sizeof places), "5"));
  pb_put(&graph, 12, value_proto("s", OR_UINT4, NULL));
  or_graph_t *read = NULL;
  expect_ok(read_proto(model_proto(graph, 21), NULL, &read));
  assert_memory_equal(read->values[value_of(read, "s")].constant->data, "\x30\x00\x07", 3);
  or_graph_release(read);
}

static void refuses_sparse_tensors_that_do_not_add_up(void **state) {
  (void)state;
  static const struct {
    const char *index_dims;
    int64_t indices[4];
    size_t count;
    const char *dims;
    or_status_code_t code;
    const char *words;
  } cases[] = {
      {"2", {1, 6}, 2, "2,3", OR_INVALID_ARGUMENT, "sparse initializer \"s\": index 1 is outside of shape [2,3]"},
      {"2", {-1, 5}, 2, "2,3", OR_INVALID_ARGUMENT, "index 0 is outside"},
      {"2", {5, 1}, 2, "2,3", OR_INVALID_ARGUMENT, "index 1 is not behind the one before it"},
      {"2", {1, 1}, 2, "2,3", OR_INVALID_ARGUMENT, "index 1 is not behind"},
      {"2,2", {0, 3, 1, 1}, 4, "2,3", OR_INVALID_ARGUMENT, "index 0 is outside"},
      {"2,1", {0, 1}, 2, "2,3", OR_INVALID_ARGUMENT, "expected [n] and int64 [n] or [n,2]"},
      {"3", {0, 1, 2}, 3, "2,3", OR_INVALID_ARGUMENT, "expected [n] and int64 [n]"},
      {"2", {0, 1}, 2, "2,-3", OR_INVALID_ARGUMENT, "extent 1 is -3"},
      {"2", {0, 1}, 2, "67108865", OR_RESOURCE_EXHAUSTED, "268435460 bytes when it is dense"},
      {"2", {0, 1}, 2, "99999999,99999999", OR_RESOURCE_EXHAUSTED, "raise limits.tensor_elements"},
  };
  or_graph_t *read = NULL;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    pb_t sparse = sparse_at(cases[i].index_dims, cases[i].indices, cases[i].count, cases[i].dims);
    expect_failure(read_proto(sparse_model(sparse), NULL, &read), cases[i].code, cases[i].words);
  }
  pb_t values = {.data = NULL}, words;
  pb_put(&values, 1, tensor_proto("s", OR_FLOAT32, "0"));
  expect_failure(read_proto(sparse_model(values), NULL, &read), OR_INVALID_ARGUMENT, "it has no indices");
  words = sparse_proto(words_proto("s", "a", "b"), raw_tensor_proto(NULL, OR_INT64, "2", cases[2].indices, 16), "9");
  expect_failure(read_proto(sparse_model(words), NULL, &read), OR_UNIMPLEMENTED, "a sparse tensor of strings");
  expect_failure(read_proto(sparse_model(sparse_proto(tensor_proto(NULL, OR_FLOAT32, "0"),
                                                      tensor_proto(NULL, OR_INT64, "0"), "2")),
                            NULL, &read),
                 OR_INVALID_ARGUMENT, "it has no name");
}

static or_status_t read_everything(const or_allocator_t *allocator) {
  static const int64_t linear[] = {1, 5};
  pb_t model = strings_model(), sparse = sparse_model(sparse_at("2", linear, 2, "2,3"));
  const or_onnx_source_t sources[] = {{.name = "strings", .bytes = model.data, .length = model.length},
                                      {.name = "sparse", .bytes = sparse.data, .length = sparse.length}};
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < 2; ++i) {
    or_graph_t *graph = NULL;
    status = or_onnx_read_memory(allocator, &sources[i], NULL, &graph);
    or_graph_release(graph);
  }
  pb_free(&model);
  pb_free(&sparse);
  return status;
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(read_everything);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(inputs_and_outputs_have_the_form_that_their_type_says),
      cmocka_unit_test(an_attribute_may_be_a_type),
      cmocka_unit_test(strings_are_constants_like_numbers),
      cmocka_unit_test(bounds_the_bytes_of_strings),
      cmocka_unit_test(sparse_tensors_become_dense),
      cmocka_unit_test(refuses_sparse_tensors_that_do_not_add_up),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
