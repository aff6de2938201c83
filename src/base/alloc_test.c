#include "base/alloc.h"

#include "base/testing.h"
#include "base/thread.h"

static void aligns_zeroes_and_names_what_is_missing(void **state) {
  (void)state;
  const or_allocator_t *allocator = or_allocator_system();
  void *a = NULL, *b = NULL;
  expect_ok(or_alloc(allocator, 0, &a));
  expect_ok(or_alloc_zeroed(allocator, 1000, &b));
  assert_non_null(a);
  assert_ptr_not_equal(a, b);
  assert_int_equal((uintptr_t)b % OR_DEFAULT_ALIGNMENT, 0);
  for (size_t i = 0; i < 1000; ++i) assert_int_equal(((char *)b)[i], 0);
  or_free(allocator, a);
  or_free(allocator, b);
  or_free(allocator, NULL);
  expect_failure(or_alloc(allocator, SIZE_MAX, &a), OR_RESOURCE_EXHAUSTED, "18446744073709551615 bytes");
  assert_null(a);
  expect_failure(or_alloc_array(allocator, SIZE_MAX / 2, 3, &a), OR_OUT_OF_RANGE,
                 "9223372036854775807 elements of 3 bytes");
}

static void grows_an_array_and_keeps_its_contents(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  void *array = NULL;
  size_t capacity = 0;
  for (size_t needed = 1; needed <= 1000; ++needed) {
    expect_ok(or_grow_array(&counting.base, needed, sizeof(int), &array, &capacity));
    assert_true(capacity >= needed);
    assert_int_equal(((int *)array)[needed - 1], 0);
    ((int *)array)[needed - 1] = (int)needed;
  }
  for (int i = 0; i < 1000; ++i) assert_int_equal(((int *)array)[i], i + 1);
  assert_true(counting.alloc_count < 12);
  size_t before = capacity;
  void *same = array;
  expect_failure(or_grow_array(&counting.base, SIZE_MAX / 2, sizeof(int), &array, &capacity), OR_OUT_OF_RANGE,
                 "elements of 4 bytes");
  counting.fail_at = counting.alloc_count + 1;
  expect_failure(or_grow_array(&counting.base, 5000, sizeof(int), &array, &capacity), OR_RESOURCE_EXHAUSTED,
                 "20000 bytes");
  assert_int_equal(capacity, before);
  assert_ptr_equal(array, same);
  or_free(&counting.base, array);
  assert_int_equal(counting.live_bytes, 0);
}

static void serves_pieces_of_every_size_from_an_arena(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  or_arena_t arena;
  or_arena_init(&arena, &counting.base);
  char *pieces[300];
  for (size_t i = 0; i < 300; ++i) {
    void *memory = NULL;
    size_t bytes = i % 50 == 49 ? 100000 : i * 7;
    expect_ok(or_arena_alloc(&arena, bytes, &memory));
    assert_int_equal((uintptr_t)memory % 16, 0);
    pieces[i] = memory;
    for (size_t b = 0; b < bytes; ++b) assert_int_equal(pieces[i][b], 0);
    memset(pieces[i], (int)(i % 100) + 1, bytes);
  }
  for (size_t i = 1; i < 300; ++i) { /* no piece overlaps another */
    size_t bytes = i % 50 == 49 ? 100000 : i * 7;
    assert_int_equal(pieces[i][0], (int)(i % 100) + 1);
    assert_int_equal(pieces[i][bytes - 1], (int)(i % 100) + 1);
  }
  const char *text = NULL;
  expect_ok(or_arena_strndup(&arena, "hello", 4, &text));
  assert_string_equal(text, "hell");
  assert_true(arena.total_bytes >= counting.live_bytes && counting.live_blocks < 20);
  or_arena_deinit(&arena);
  assert_int_equal(counting.live_blocks, 0);
  assert_int_equal(arena.total_bytes, 0);
}

static void an_arena_begins_in_memory_that_is_lent(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  _Alignas(16) char lent[256];
  or_arena_t arena;
  void *first = NULL, *later = NULL;
  memset(lent, 'x', sizeof lent);
  or_arena_init_in(&arena, &counting.base, lent, sizeof lent);
  expect_ok(or_arena_alloc(&arena, 100, &first));
  assert_true((char *)first > lent && (char *)first + 100 <= lent + sizeof lent && *(char *)first == 0);
  assert_int_equal(counting.alloc_count, 0);
  for (size_t i = 0; i < 100; ++i) expect_ok(or_arena_alloc(&arena, 100, &later));
  expect_ok(or_arena_alloc(&arena, 100000, &later)); /* behind the newest chunk */
  assert_true(counting.alloc_count > 1);
  or_arena_deinit(&arena);
  assert_int_equal(counting.live_bytes, 0);
  or_arena_init_in(&arena, &counting.base, lent, 16); /* too little to be of use */
  expect_ok(or_arena_alloc(&arena, 1, &first));
  or_arena_deinit(&arena);
  assert_int_equal(counting.live_bytes, 0);
}

static void refuses_arena_pieces_that_overflow(void **state) {
  (void)state;
  or_arena_t arena;
  void *memory = NULL;
  const char *text = NULL;
  or_arena_init(&arena, or_allocator_system());
  expect_failure(or_arena_alloc(&arena, SIZE_MAX, &memory), OR_OUT_OF_RANGE, "18446744073709551615");
  expect_failure(or_arena_alloc(&arena, SIZE_MAX - 20, &memory), OR_OUT_OF_RANGE, "address space");
  expect_failure(or_arena_array(&arena, SIZE_MAX / 2, 4, &memory), OR_OUT_OF_RANGE, "elements of 4 bytes");
  expect_failure(or_arena_strndup(&arena, "x", SIZE_MAX, &text), OR_OUT_OF_RANGE, "18446744073709551615");
  or_arena_deinit(&arena);
}

static or_status_t use_arena(const or_allocator_t *allocator) {
  or_arena_t arena;
  or_arena_init(&arena, allocator);
  or_status_t status = or_status_success();
  void *memory = NULL;
  for (size_t i = 0; or_ok(status) && i < 40; ++i) status = or_arena_alloc(&arena, i * 300, &memory);
  or_arena_deinit(&arena);
  return status;
}

static void arena_gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(use_arena);
}

static void counts_bytes_blocks_and_the_peak(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 3);
  void *a = NULL, *b = NULL, *c = NULL;
  expect_ok(or_alloc(&counting.base, 100, &a));
  expect_ok(or_alloc(&counting.base, 50, &b));
  assert_int_equal((uintptr_t)b % OR_DEFAULT_ALIGNMENT, 0);
  assert_false(counting.triggered);
  expect_failure(or_alloc(&counting.base, 10, &c), OR_RESOURCE_EXHAUSTED, "10 bytes");
  assert_true(counting.triggered);
  or_free(&counting.base, a);
  assert_int_equal(counting.live_bytes, 50);
  assert_int_equal(counting.live_blocks, 1);
  expect_ok(or_alloc(&counting.base, 60, &c)); /* only the third one failed */
  assert_int_equal(counting.peak_bytes, 150);
  or_free(&counting.base, b);
  or_free(&counting.base, c);
  counting.base.release(counting.base.self, NULL);
  assert_int_equal(counting.live_bytes, 0);
  assert_null(counting.base.alloc(counting.base.self, SIZE_MAX, 64));
}

static void allocate_many(void *opaque) {
  or_counting_allocator_t *counting = opaque;
  for (int i = 0; i < 1000; ++i) {
    void *memory = counting->base.alloc(counting->base.self, (size_t)i + 1, 64);
    counting->base.release(counting->base.self, memory);
  }
}

static void counts_from_several_threads(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  or_thread_t threads[4];
  for (size_t i = 0; i < 4; ++i) expect_ok(or_thread_start(&threads[i], "alloc", allocate_many, &counting));
  for (size_t i = 0; i < 4; ++i) or_thread_join(&threads[i]);
  assert_int_equal(counting.alloc_count, 4000);
  assert_int_equal(counting.live_bytes, 0);
  assert_true(counting.peak_bytes >= 1000);
}

static void checks_sizes(void **state) {
  (void)state;
  size_t size = 7;
  int64_t number = 7;
  assert_false(or_add_size(SIZE_MAX, 1, &size));
  assert_false(or_mul_size(SIZE_MAX, 2, &size));
  assert_false(or_mul_i64(INT64_MAX, 2, &number));
  assert_false(or_add_i64(INT64_MIN, -1, &number));
  assert_int_equal(size, 7); /* untouched */
  assert_int_equal(number, 7);
  assert_true(or_mul_size(6, 7, &size) && size == 42);
  assert_true(or_add_i64(-6, 7, &number) && number == 1);
  assert_int_equal(or_align_up(65, 64), 128);
  assert_int_equal(or_align_up(64, 64), 64);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(aligns_zeroes_and_names_what_is_missing),
      cmocka_unit_test(grows_an_array_and_keeps_its_contents),
      cmocka_unit_test(serves_pieces_of_every_size_from_an_arena),
      cmocka_unit_test(an_arena_begins_in_memory_that_is_lent),
      cmocka_unit_test(refuses_arena_pieces_that_overflow),
      cmocka_unit_test(arena_gives_back_every_byte_when_the_nth_allocation_fails),
      cmocka_unit_test(counts_bytes_blocks_and_the_peak),
      cmocka_unit_test(counts_from_several_threads),
      cmocka_unit_test(checks_sizes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
