#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ops/node_copy.h"

static void keeps_everything_but_the_tensors(void **state) {
  (void)state;
  static const or_constant_t tensor = {.dtype = OR_FLOAT32};
  char name[] = "node", op[] = "Op", text[] = "NOTSET";
  or_value_id_t in[] = {4, OR_NO_VALUE}, out[] = {7};
  int64_t integers[] = {1, 2, 3};
  float reals[] = {0.5f};
  or_string_t strings[] = {{text, 3}, {text + 3, 3}};
  or_attribute_t attributes[] = {
      {.name = name, .kind = OR_ATTRIBUTE_INTS, .integers = integers, .count = 3},
      {.name = name, .kind = OR_ATTRIBUTE_FLOATS, .reals = reals, .count = 1},
      {.name = name, .kind = OR_ATTRIBUTE_STRINGS, .strings = strings, .count = 2},
      {.name = name, .kind = OR_ATTRIBUTE_STRING, .string = {text, 6}},
      {.name = name, .kind = OR_ATTRIBUTE_TENSOR, .tensor = &tensor},
      {.name = name, .kind = OR_ATTRIBUTE_INT, .integer = 9},
  };
  or_node_t inner = {.name = name, .domain = "", .op = op, .outputs = out, .output_count = 1};
  or_node_t part = {
      .name = name, .domain = "", .op = op, .inputs = in, .input_count = 2, .parts = &inner, .part_count = 1};
  or_node_t node = {.name = name,
                    .domain = "",
                    .op = op,
                    .version = 13,
                    .inputs = in,
                    .input_count = 2,
                    .outputs = out,
                    .output_count = 1,
                    .attributes = attributes,
                    .attribute_count = 6,
                    .parts = &part,
                    .part_count = 1};
  or_arena_t arena;
  or_arena_init(&arena, or_allocator_system());
  or_node_t copy;
  assert_true(or_ok(or_node_copy(&arena, &node, &copy)));
  memset(name, 'x', sizeof name - 1);
  memset(op, 'x', sizeof op - 1);
  memset(text, 'x', sizeof text - 1);
  memset(in, 0, sizeof in);
  memset(out, 0, sizeof out);
  memset(integers, 0, sizeof integers);
  memset(reals, 0, sizeof reals);
  memset(strings, 0, sizeof strings);
  memset(attributes, 0, sizeof attributes);
  memset(&part, 0, sizeof part);
  memset(&inner, 0, sizeof inner);

  assert_string_equal(copy.name, "node");
  assert_string_equal(copy.op, "Op");
  assert_true(copy.inputs[0] == 4 && copy.inputs[1] == OR_NO_VALUE && copy.outputs[0] == 7);
  assert_string_equal(copy.attributes[0].name, "node");
  assert_true(copy.attributes[0].integers[2] == 3 && copy.attributes[1].reals[0] == 0.5f);
  assert_memory_equal(copy.attributes[2].strings[1].data, "SET", 3);
  assert_memory_equal(copy.attributes[3].string.data, "NOTSET", 6);
  assert_ptr_equal(copy.attributes[4].tensor, &tensor);
  assert_int_equal(copy.attributes[5].integer, 9);
  assert_string_equal(copy.parts[0].name, "node");
  assert_int_equal(copy.parts[0].inputs[0], 4);
  assert_string_equal(copy.parts[0].parts[0].op, "Op");
  assert_int_equal(copy.parts[0].parts[0].outputs[0], 7);
  or_arena_deinit(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_everything_but_the_tensors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
