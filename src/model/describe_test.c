/* model.json, as docs/models.md states it. */
#include "base/testing.h"

#include "base/string.h"
#include "model/model_internal.h"

/* A model with these inputs, and no more than a description needs of it. */
typedef struct subject_t {
  or_graph_t graph;
  or_model_value_t inputs[2];
  or_model_t model;
} subject_t;

static or_shape_t shape_of(int64_t a, int64_t b, int64_t c, int64_t d) {
  return or_shape_make(4, (int64_t[]){a, b, c, d});
}

/* pixels: float32 [batch,3,h,w] or as given; mask: int64 [1]. */
static void begin(subject_t *subject, const or_allocator_t *allocator, or_shape_t pixels) {
  *subject = (subject_t){.graph = {.allocator = allocator, .input_count = 2}};
  subject->inputs[0] = (or_model_value_t){.name = "pixels", .dtype = OR_FLOAT32, .shape = pixels};
  subject->inputs[1] = (or_model_value_t){.name = "mask", .dtype = OR_INT64, .shape = or_shape_make(1, (int64_t[]){1})};
  subject->model = (or_model_t){.graph = &subject->graph, .inputs = subject->inputs};
  or_arena_init(&subject->model.arena, allocator);
}
static or_status_t describe(subject_t *subject, const char *text) {
  return or_model_describe(&subject->model, "net/model.json", text, strlen(text));
}
static void end(subject_t *subject) { or_arena_deinit(&subject->model.arena); }

static void states_labels_and_every_field_of_a_picture(void **state) {
  (void)state;
  subject_t subject;
  begin(&subject, or_allocator_system(), shape_of(OR_DIM_SYMBOL(0), OR_DIM_UNKNOWN, OR_DIM_UNKNOWN, 3));
  expect_ok(describe(&subject, "{\"labels\":[\"cat\",\"dog\"],\"inputs\":{\"mask\":{},\"pixels\":{\"image\":{"
                               "\"channels\":\"bgr\",\"layout\":\"NHWC\",\"resize\":\"nearest\",\"width\":5,"
                               "\"height\":7,\"scale\":0.5,\"mean\":[1,2,3],\"std\":[4,5,6],\"invert\":true}}}}"));
  const or_model_description_t *said = &subject.model.description;
  assert_int_equal(said->label_count, 2);
  assert_string_equal(said->labels[1], "dog");
  const or_image_input_t *image = &said->images[0];
  assert_true(image->stated && image->channels == OR_IMAGE_BGR && image->channels_last && image->nearest);
  assert_true(image->invert && image->scale == 0.5 && image->mean[2] == 3 && image->std[0] == 4);
  assert_int_equal(image->width, 5);
  assert_int_equal(image->height, 7);
  assert_false(said->images[1].stated);
  end(&subject);
}

static void takes_defaults_and_extents_from_the_input(void **state) {
  (void)state;
  subject_t subject;
  begin(&subject, or_allocator_system(), shape_of(1, 3, 20, 30));
  expect_ok(describe(&subject, "{\"inputs\":{\"pixels\":{\"image\":{}}}}"));
  const or_image_input_t *image = &subject.model.description.images[0];
  assert_true(image->stated && image->channels == OR_IMAGE_RGB && !image->channels_last && !image->nearest);
  assert_true(!image->invert && image->scale == 1.0 / 255 && image->mean[0] == 0 && image->std[2] == 1);
  assert_int_equal(image->width, 30);
  assert_int_equal(image->height, 20);
  assert_int_equal(subject.model.description.label_count, 0);
  end(&subject);
}

#define IMAGE(fields) "{\"inputs\":{\"pixels\":{\"image\":{" fields "}}}}"

static void names_the_field_that_is_wrong(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
    or_status_code_t code;
  } cases[] = {
      {"{", "net/model.json", OR_INVALID_ARGUMENT},
      {"[]", "not an object", OR_INVALID_ARGUMENT},
      {"{\"labels\":{}}", "labels: not an array", OR_INVALID_ARGUMENT},
      {"{\"labels\":[\"a\",1]}", "labels[1]: not a string", OR_INVALID_ARGUMENT},
      {"{\"inputs\":[]}", "inputs: not an object", OR_INVALID_ARGUMENT},
      {"{\"inputs\":{\"pixel\":{\"image\":{}}}}", "no input \"pixel\"", OR_INVALID_ARGUMENT},
      {"{\"inputs\":{\"pixels\":{\"image\":[]}}}", "inputs.pixels.image: not an object", OR_INVALID_ARGUMENT},
      {"{\"inputs\":{\"mask\":{\"image\":{}}}}", "int64 of rank 1; pictures become float32 of rank 4",
       OR_INVALID_ARGUMENT},
      {IMAGE("\"scale\":\"x\""), "\"scale\" is not a number", OR_INVALID_ARGUMENT},
      {IMAGE("\"scale\":\"NaN\""), "\"scale\" is not a number", OR_INVALID_ARGUMENT},
      {IMAGE("\"invert\":1"), "\"invert\" is neither true nor false", OR_INVALID_ARGUMENT},
      {IMAGE("\"channels\":\"cmyk\""), "\"cmyk\" is none of rgb, bgr, gray", OR_INVALID_ARGUMENT},
      {IMAGE("\"layout\":\"CHW\""), "\"CHW\" is none of NCHW, NHWC", OR_INVALID_ARGUMENT},
      {IMAGE("\"resize\":3"), "\"resize\": \"\" is none of bilinear, nearest", OR_INVALID_ARGUMENT},
      {IMAGE("\"width\":2.5"), "\"width\" is not a whole number", OR_INVALID_ARGUMENT},
      {IMAGE("\"width\":0"), "\"width\" is 0; it must be from 1 to 65536", OR_OUT_OF_RANGE},
      {IMAGE("\"height\":65537"), "\"height\" is 65537", OR_OUT_OF_RANGE},
      {IMAGE("\"mean\":[1]"), "\"mean\" has 1 numbers; there are 3 channels", OR_INVALID_ARGUMENT},
      {IMAGE("\"mean\":[1,2,\"x\"]"), "\"mean\"[2] is not a number", OR_INVALID_ARGUMENT},
      {IMAGE("\"std\":[1,0,1]"), "\"std\"[1] is 0", OR_INVALID_ARGUMENT},
      {IMAGE("\"channels\":\"gray\",\"std\":[0]"), "\"std\"[0] is 0", OR_INVALID_ARGUMENT},
      {IMAGE("\"channels\":\"gray\""), "dimension 1 of the input is 3, the picture gives 1", OR_INVALID_ARGUMENT},
      {IMAGE("\"layout\":\"NHWC\",\"height\":8,\"width\":8"), "dimension 1 of the input is 3, the picture gives 8",
       OR_INVALID_ARGUMENT},
      {IMAGE("\"height\":8"), "width and height are needed", OR_INVALID_ARGUMENT},
      {IMAGE("\"width\":8"), "width and height are needed", OR_INVALID_ARGUMENT},
      {IMAGE("\"width\":65536,\"height\":65536"), "65536 x 65536 pixels; the limit is", OR_OUT_OF_RANGE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    subject_t subject;
    begin(&subject, or_allocator_system(), shape_of(OR_DIM_SYMBOL(0), 3, OR_DIM_UNKNOWN, OR_DIM_UNKNOWN));
    expect_failure(describe(&subject, cases[i].text), cases[i].code, cases[i].words);
    end(&subject);
  }
}

static void holds_extents_against_those_of_the_input(void **state) {
  (void)state;
  subject_t subject;
  begin(&subject, or_allocator_system(), shape_of(1, 3, 20, 30));
  expect_failure(describe(&subject, IMAGE("\"width\":31")), OR_INVALID_ARGUMENT,
                 "dimension 3 of the input is 30, the picture gives 31");
  end(&subject);
  begin(&subject, or_allocator_system(), or_shape_make(2, (int64_t[]){3, 3}));
  expect_failure(describe(&subject, IMAGE("")), OR_INVALID_ARGUMENT, "float32 of rank 2");
  end(&subject);
}

static or_status_t describe_with(const or_allocator_t *allocator) {
  subject_t subject;
  begin(&subject, allocator, shape_of(1, 3, 4, 4));
  or_status_t status = describe(&subject, "{\"labels\":[\"a\",\"b\"],\"inputs\":{\"pixels\":{\"image\":{}}}}");
  end(&subject);
  return status;
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(describe_with);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(states_labels_and_every_field_of_a_picture),
      cmocka_unit_test(takes_defaults_and_extents_from_the_input),
      cmocka_unit_test(names_the_field_that_is_wrong),
      cmocka_unit_test(holds_extents_against_those_of_the_input),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
