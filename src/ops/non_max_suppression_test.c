#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

typedef struct boxes_t {
  const float *boxes, *scores;
  int64_t count;
} boxes_t;
#define BOXES(boxes, scores, count) ((boxes_t){boxes, scores, count})

/* One batch and one class; the limit; one threshold of each kind. */
static void begin(call_fixture_t *f, boxes_t it, const int64_t *limit, const float *overlap, const float *least) {
  call_init(f, "", "NonMaxSuppression", 11);
  call_input(f, OR_FLOAT32, SHAPE(1, it.count, 4), it.boxes);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, it.count), it.scores);
  if (limit != NULL) call_input(f, OR_INT64, SHAPE(1), limit);
  if (overlap != NULL || least != NULL) call_input(f, overlap != NULL ? OR_FLOAT32 : OR_DTYPE_NONE, SCALAR, overlap);
  if (least != NULL) call_input(f, OR_FLOAT32, SHAPE(1), least);
}

/* The six boxes of the standard's own examples, and what it says is taken. */
static const float six[] = {0, 0,  1, 1,  0, 0.1F,  1, 1.1F,  0, -0.1F, 1, 0.9F,
                            0, 10, 1, 11, 0, 10.1F, 1, 11.1F, 0, 100,   1, 101};
static const float six_scores[] = {0.9F, 0.75F, 0.6F, 0.95F, 0.5F, 0.3F};
static const int64_t limit_3 = 3;
static const float half = 0.5F, zero = 0, four_tenths = 0.4F;

static void takes_the_best_of_boxes_that_overlap(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, BOXES(six, six_scores, 6), &limit_3, &half, &zero);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(3, 3));
  expect_ints(&f, 0, INTS(0, 0, 3, 0, 0, 0, 0, 0, 5));
  call_deinit(&f);

  begin(&f, BOXES(six, six_scores, 6), &limit_3, &half, &four_tenths);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 3, 0, 0, 0));
  call_deinit(&f);

  begin(&f, BOXES(six, six_scores, 6), (int64_t[]){2}, &half, NULL);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 3, 0, 0, 0));
  call_deinit(&f);
}

static void corners_may_be_given_in_any_order_and_as_centres(void **state) {
  (void)state;
  const float flipped[] = {1, 1,  0, 0,  0, 0.1F,  1, 1.1F,  0, 0.9F, 1, -0.1F,
                           0, 10, 1, 11, 1, 10.1F, 0, 11.1F, 1, 101,  0, 100};
  call_fixture_t f;
  begin(&f, BOXES(flipped, six_scores, 6), &limit_3, &half, &zero);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 3, 0, 0, 0, 0, 0, 5));
  call_deinit(&f);

  const float centres[] = {0.5F, 0.5F,  1, 1, 0.5F, 0.6F,  1, 1, 0.5F, 0.4F,   1, 1,
                           0.5F, 10.5F, 1, 1, 0.5F, 10.6F, 1, 1, 0.5F, 100.5F, 1, 1};
  begin(&f, BOXES(centres, six_scores, 6), &limit_3, &half, &zero);
  call_int(&f, "center_point_box", 1);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 3, 0, 0, 0, 0, 0, 5));
  call_deinit(&f);
}

static void an_overlap_of_exactly_the_threshold_is_kept(void **state) {
  (void)state;
  const float halves[] = {0, 0, 1, 3, 0, 1, 1, 4};        /* 2 of 4 */
  const float tenths[] = {0, 0, 1, 8.5F, 0, 1.5F, 1, 10}; /* 7 of 10 */
  const float scores[] = {1, 2}, seven_tenths = 0.7F, less = 0.49F;
  call_fixture_t f;
  begin(&f, BOXES(halves, scores, 2), &limit_3, &half, NULL);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 1, 0, 0, 0));
  call_deinit(&f);

  begin(&f, BOXES(halves, scores, 2), &limit_3, &less, NULL);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 1));
  call_deinit(&f);

  begin(&f, BOXES(tenths, scores, 2), &limit_3, &seven_tenths, NULL);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 1, 0, 0, 0));
  call_deinit(&f);
}

static void orders_equal_scores_by_index_and_passes_over_nan(void **state) {
  (void)state;
  const float apart[] = {0, 0, 1, 1, 0, 2, 1, 3, 0, 4, 1, 5, 0, 6, 1, 7, 0, 8, 0, 8, 0, 8, 0, 8};
  const float scores[] = {1, 3, NAN, 3, 1, 1}; /* the last two have no area: they overlap nothing */
  call_fixture_t f;
  begin(&f, BOXES(apart, scores, 6), (int64_t[]){9}, NULL, NULL);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 1, 0, 0, 3, 0, 0, 0, 0, 0, 4, 0, 0, 5));
  call_deinit(&f);

  begin(&f, BOXES(apart, scores, 6), (int64_t[]){9}, NULL, (float[]){1});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 1, 0, 0, 3));
  call_deinit(&f);
}

static void works_on_each_batch_and_class_alone(void **state) {
  (void)state;
  const float boxes[] = {0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 5, 5, 6, 6};
  const float scores[] = {1, 2, 2, 1, 1, 2, 2, 1};
  call_fixture_t f;
  call_init(&f, "", "NonMaxSuppression", 10);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 4), boxes);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 2), scores);
  call_input(&f, OR_INT64, SCALAR, &limit_3);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1));
  call_deinit(&f);
}

static void takes_none_unless_a_limit_says_so(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, BOXES(six, six_scores, 6), NULL, NULL, NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(0, 3));
  call_deinit(&f);

  begin(&f, BOXES(six, six_scores, 6), (int64_t[]){-4}, NULL, NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(0, 3));
  call_deinit(&f);

  begin(&f, BOXES(six, six_scores, 0), &limit_3, NULL, NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(0, 3));
  call_deinit(&f);
}

static void does_not_know_the_count_without_the_values(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, BOXES(six, NULL, 6), &limit_3, &half, &zero);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(UNKNOWN, 3));
  call_deinit(&f);

  call_init(&f, "", "NonMaxSuppression", 11);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), SYMBOL(1), 4), NULL);
  call_input(&f, OR_FLOAT32, RANK_UNKNOWN, NULL);
  call_input(&f, OR_INT64, SHAPE(1), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(UNKNOWN, 3));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, BOXES(six, six_scores, 6), &limit_3, (float[]){1.5F}, NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "iou_threshold) is 1.5");
  f.inputs[3].data = (float[]){NAN};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "from 0 to 1");
  f.inputs[3].dtype = OR_FLOAT64;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "it must be float32");
  f.inputs[3].dtype = OR_FLOAT32;
  f.inputs[3].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "has 2 elements");
  f.inputs[1].shape = SHAPE(1, 1, 5);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "boxes and scores");
  f.inputs[1].shape = SHAPE(2, 1, 6);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "batches of boxes and scores");
  f.inputs[1].shape = SHAPE(1, 6);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank");
  f.inputs[1].shape = SHAPE(1, 1, 6);
  f.inputs[0].shape = SHAPE(1, 6, 5);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "numbers of a box");
  call_deinit(&f);
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 1; n <= 3; ++n) {
    call_fixture_t f;
    begin(&f, BOXES(six, six_scores, 6), &limit_3, &half, &zero);
    or_counting_allocator_init(&f.allocator, or_allocator_system(), n);
    expect_refused(&f, 1, OR_RESOURCE_EXHAUSTED, "");
    call_deinit(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_the_best_of_boxes_that_overlap),
      cmocka_unit_test(corners_may_be_given_in_any_order_and_as_centres),
      cmocka_unit_test(an_overlap_of_exactly_the_threshold_is_kept),
      cmocka_unit_test(orders_equal_scores_by_index_and_passes_over_nan),
      cmocka_unit_test(works_on_each_batch_and_class_alone),
      cmocka_unit_test(takes_none_unless_a_limit_says_so),
      cmocka_unit_test(does_not_know_the_count_without_the_values),
      cmocka_unit_test(refuses_what_does_not_fit),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
