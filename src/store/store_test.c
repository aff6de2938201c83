#include "store/store.h"

#include "store/store_test_internal.h"

static void keeps_a_task_through_its_life(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  or_task_record_t record = record_of("life");
  (void)snprintf(record.owner, sizeof record.owner, "somebody");
  record.priority = 7;
  seen_t seen;
  expect_failure(find(store, "life", &seen), OR_NOT_FOUND, "\"life\": no such task");
  expect_ok(admit(store, &record));
  expect_ok(find(store, "life", &seen));
  assert_int_equal(seen.record.state, OR_TASK_PENDING);
  assert_string_equal(seen.record.owner, "somebody");
  assert_string_equal(seen.operation, "compute");
  assert_int_equal(seen.record.priority, 7);
  assert_int_equal(seen.record.created_us, record.created_us);
  assert_int_equal(seen.record.deadline_us, record.deadline_us);
  assert_true(seen.record.rerun_on_restart);
  assert_int_equal(seen.record.finished_us, 0);

  const or_journal_t *journal = or_store_journal(store);
  expect_ok(journal->priority(journal->self, "life", 9));
  expect_ok(find(store, "life", &seen));
  assert_int_equal(seen.record.priority, 9);

  expect_ok(start(store, "life", 1));
  expect_ok(find(store, "life", &seen));
  assert_int_equal(seen.record.state, OR_TASK_RUNNING);
  assert_int_equal(seen.record.attempts, 1);
  assert_string_equal(seen.device, "cpu_0");
  assert_true(seen.record.started_us > 0);

  or_task_record_t end = finished_of("life", "{\"status\":\"failed\"}");
  end.state = OR_TASK_FAILED;
  end.error = "it broke";
  end.error_code = "internal";
  expect_ok(finish(store, &end));
  expect_ok(find(store, "life", &seen));
  assert_int_equal(seen.record.state, OR_TASK_FAILED);
  assert_string_equal(seen.error, "it broke");
  assert_string_equal(seen.error_code, "internal");
  assert_string_equal(seen.response, "{\"status\":\"failed\"}");
  assert_string_equal(seen.record.owner, "somebody");
  assert_int_equal(seen.record.finished_us, end.finished_us);
  expect_sound(store);
  or_store_close(store);

  store = open_at(folder.path);
  expect_ok(find(store, "life", &seen));
  assert_string_equal(seen.response, "{\"status\":\"failed\"}");
  expect_ok(remove_task(store, "life"));
  expect_failure(find(store, "life", &seen), OR_NOT_FOUND, "life");
  or_store_stats_t stats;
  or_store_stats(store, &stats);
  assert_int_equal(stats.tasks, 0);
  assert_int_equal(stats.bytes, 0);
  close_and_remove(store, &folder);
}

static void records_a_task_that_was_waited_for_by_one_row_at_its_end(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  or_task_record_t record = finished_of("once", "{}");
  expect_ok(finish(store, &record));
  assert_int_equal(state_of(store, "once"), OR_TASK_COMPLETED);
  or_store_close(store);
}

static void admits_a_task_that_has_ended_by_one_row_with_its_outputs(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  static const float values[] = {1, 2, 3};
  const or_journal_blob_t output = {"y", OR_FLOAT32, or_shape_make(1, (int64_t[]){3}), values, sizeof values};
  or_task_record_t record = finished_of("whole", "{\"status\":\"completed\"}");
  seen_t seen;
  or_store_stats_t stats;
  expect_ok(admit_blobs(store, &record, &output, 1));
  expect_failure(admit(store, &record), OR_ALREADY_EXISTS, "\"whole\" exists");
  or_store_stats(store, &stats);
  assert_int_equal(stats.rows, 2); /* the second changed nothing */
  or_store_close(store);

  store = open_at(folder.path); /* it was on disk when that was said, and nothing of it is to be done */
  assert_int_equal(recover(store).count, 0);
  uint8_t digest[OR_TASK_DIGEST_BYTES];
  expect_ok(or_store_digest(record.request, record.request_bytes, digest));
  const or_store_find_t same = {.task_id = "whole", .body_digest = digest};
  expect_ok(find_as(store, &same, &seen));
  assert_int_equal(seen.record.state, OR_TASK_COMPLETED);
  assert_int_equal(seen.record.attempts, 1);
  assert_int_equal(seen.record.finished_us, record.finished_us);
  assert_string_equal(seen.response, "{\"status\":\"completed\"}");
  assert_int_equal(seen.blob_count, 1);
  assert_int_equal(seen.blobs[0].role, OR_STORE_OUTPUT);
  expect_sound(store);
  close_and_remove(store, &folder);
}

static void lets_the_first_end_of_a_task_stand(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  or_task_record_t first = finished_of("twice", "{\"first\":1}"), second = finished_of("twice", "{\"second\":2}");
  seen_t seen;
  expect_ok(finish(store, &first));
  expect_ok(finish(store, &second));
  expect_ok(find(store, "twice", &seen));
  assert_string_equal(seen.response, "{\"first\":1}");
  expect_failure(start(store, "twice", 2), OR_NOT_FOUND, "it has ended");
  or_store_close(store);
}

static void tells_the_same_body_from_another(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  or_task_record_t admitted = record_of("admitted"), waited = finished_of("waited", "{}");
  expect_ok(admit(store, &admitted));
  expect_failure(admit(store, &admitted), OR_ALREADY_EXISTS, "\"admitted\" exists");
  expect_ok(finish(store, &waited));
  uint8_t same[OR_TASK_DIGEST_BYTES], other[OR_TASK_DIGEST_BYTES];
  expect_ok(or_store_digest(admitted.request, admitted.request_bytes, same));
  expect_ok(or_store_digest("{}", 2, other));
  const char *const ids[] = {"admitted", "waited"};
  seen_t seen;
  for (size_t i = 0; i < 2; ++i) {
    or_store_find_t wanted = {.task_id = ids[i], .body_digest = same};
    expect_ok(find_as(store, &wanted, &seen));
    wanted.body_digest = other;
    expect_failure(find_as(store, &wanted, &seen), OR_ALREADY_EXISTS, "with another body");
  }
  /* Still so once its request is gone. */
  or_task_record_t end = finished_of("admitted", "{}");
  end.request = NULL;
  expect_ok(finish(store, &end));
  or_store_find_t wanted = {.task_id = "admitted", .body_digest = same};
  expect_ok(find_as(store, &wanted, &seen));
  close_and_remove(store, &folder);
}

static void takes_the_digest_that_it_is_given(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  or_task_record_t record = record_of("parts");
  uint8_t whole[OR_TASK_DIGEST_BYTES];
  or_store_digest_t digest;
  expect_ok(or_store_digest_begin(&digest));
  expect_ok(or_store_digest_add(&digest, "ab", 2));
  expect_ok(or_store_digest_add(&digest, "c", 1));
  expect_ok(or_store_digest_end(&digest, whole));
  /* FIPS 180-4, the example of one block: SHA-256 of "abc". */
  const uint8_t expected[OR_TASK_DIGEST_BYTES] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                                  0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                                  0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  assert_memory_equal(whole, expected, sizeof expected);
  record.body_digest = whole;
  expect_ok(admit(store, &record));
  seen_t seen;
  expect_ok(find(store, "parts", &seen));
  assert_memory_equal(seen.digest, expected, sizeof expected);
  or_store_close(store);
}

static void hides_a_task_from_other_owners(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  or_task_record_t record = record_of("mine");
  (void)snprintf(record.owner, sizeof record.owner, "me");
  expect_ok(admit(store, &record));
  seen_t seen;
  or_store_find_t wanted = {.task_id = "mine", .owner = "me"};
  expect_ok(find_as(store, &wanted, &seen));
  wanted.owner = "you";
  expect_failure(find_as(store, &wanted, &seen), OR_NOT_FOUND, "no such task");
  or_store_close(store);
}

static void refuses_what_breaks_the_rules(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  const or_journal_t *journal = or_store_journal(store);
  or_task_record_t record = record_of("no spaces");
  expect_failure(admit(store, &record), OR_INVALID_ARGUMENT, "1 to 64");
  record = record_of("fine");
  expect_failure(finish(store, &record), OR_INVALID_ARGUMENT, "pending has not ended");
  static or_journal_blob_t blobs[OR_JOURNAL_MAX_BLOBS + 1];
  for (size_t i = 0; i <= OR_JOURNAL_MAX_BLOBS; ++i) blobs[i].name = "x";
  expect_failure(admit_blobs(store, &record, blobs, OR_JOURNAL_MAX_BLOBS + 1), OR_INVALID_ARGUMENT, "at most 128");
  blobs[0].bytes = 4;
  expect_failure(admit_blobs(store, &record, blobs, 1), OR_INVALID_ARGUMENT, "no data");
  blobs[0].name = NULL;
  expect_failure(admit_blobs(store, &record, blobs, 1), OR_INVALID_ARGUMENT, "name");
  or_journal_start_t begun = {.task_id = "../etc"};
  expect_failure(journal->start(journal->self, &begun, NULL, NULL), OR_INVALID_ARGUMENT, "task_id");
  expect_failure(journal->priority(journal->self, "", 1), OR_INVALID_ARGUMENT, "task_id");
  expect_failure(or_store_remove(store, "a/b", NULL, NULL), OR_INVALID_ARGUMENT, "task_id");
  expect_failure(set_retention(store, (or_store_retention_t){-1, 0, 0}), OR_INVALID_ARGUMENT, "0 or more");
  or_store_close(store);
}

static void removes_finished_tasks_only(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  or_task_record_t record = record_of("active");
  expect_ok(admit(store, &record));
  expect_failure(remove_task(store, "active"), OR_FAILED_PRECONDITION, "is pending: cancel it first");
  expect_failure(remove_task(store, "absent"), OR_NOT_FOUND, "\"absent\": no such task");
  or_store_close(store);
}

/* The ids of a page, in order. */
typedef struct page_t {
  or_store_waiter_t waiter;
  char ids[512];
  size_t count;
  int64_t cursor;
} page_t;

static void note_row(void *self, const or_task_record_t *record, int64_t cursor) {
  page_t *page = self;
  size_t length = strlen(page->ids);
  (void)snprintf(page->ids + length, sizeof page->ids - length, "%s ", record->task_id);
  page->count += 1;
  page->cursor = cursor;
}

static void end_page(void *self, or_status_t status) { or_store_waiter_done(&((page_t *)self)->waiter, status); }

static or_status_t list(or_store_t *store, const or_store_list_t *wanted, page_t *page) {
  memset(page, 0, sizeof *page);
  or_store_waiter_init(&page->waiter);
  or_store_listing_t listing = {page, note_row, end_page};
  return or_store_waiter_wait(&page->waiter, or_store_list(store, wanted, &listing));
}

static void pages_through_tasks_newest_first_and_filters(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  for (int i = 0; i < 7; ++i) {
    char id[16];
    (void)snprintf(id, sizeof id, "t%d", i);
    or_task_record_t record = i % 2 == 0 ? finished_of(id, "{}") : record_of(id);
    (void)snprintf(record.owner, sizeof record.owner, i < 3 ? "a" : "b");
    if (i == 4) record.operation = "inference";
    expect_ok(i % 2 == 0 ? finish(store, &record) : admit(store, &record));
  }
  page_t page;
  or_store_list_t wanted = {.state = -1, .limit = 3};
  expect_ok(list(store, &wanted, &page));
  assert_string_equal(page.ids, "t6 t5 t4 ");
  wanted.after = page.cursor;
  expect_ok(list(store, &wanted, &page));
  assert_string_equal(page.ids, "t3 t2 t1 ");
  wanted.after = page.cursor;
  expect_ok(list(store, &wanted, &page));
  assert_string_equal(page.ids, "t0 ");
  wanted.after = page.cursor;
  expect_ok(list(store, &wanted, &page));
  assert_int_equal(page.count, 0);

  wanted = (or_store_list_t){.state = OR_TASK_PENDING, .limit = 100};
  expect_ok(list(store, &wanted, &page));
  assert_string_equal(page.ids, "t5 t3 t1 ");
  wanted = (or_store_list_t){.state = -1, .limit = 100, .owner = "a"};
  expect_ok(list(store, &wanted, &page));
  assert_string_equal(page.ids, "t2 t1 t0 ");
  wanted = (or_store_list_t){.state = -1, .limit = 100, .operation = "inference"};
  expect_ok(list(store, &wanted, &page));
  assert_string_equal(page.ids, "t4 ");
  wanted = (or_store_list_t){.state = -1, .limit = 100, .device = "cpu_0"};
  expect_ok(list(store, &wanted, &page));
  assert_string_equal(page.ids, "t6 t4 t2 t0 ");
  wanted.limit = 1001;
  expect_failure(list(store, &wanted, &page), OR_INVALID_ARGUMENT, "1 to 1000, got 1001");
  wanted.limit = 0;
  expect_failure(list(store, &wanted, &page), OR_INVALID_ARGUMENT, "limit");
  close_and_remove(store, &folder);
}

#define LARGE (OR_STORE_INLINE_BYTES + 1000)

static void keeps_large_tensors_as_files_that_go_with_their_rows(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  static unsigned char large[LARGE];
  large[0] = 17;
  large[LARGE - 1] = 42;
  const int64_t extents[] = {2, LARGE / 2};
  or_journal_blob_t blobs[] = {
      {"large", OR_UINT8, or_shape_make(2, extents), large, LARGE},
      {"scalar", OR_UINT8, or_shape_make(0, NULL), large, 1},
      {"empty", OR_FLOAT32, or_shape_make(1, (const int64_t[]){0}), NULL, 0},
  };
  or_task_record_t record = record_of("tensors");
  expect_ok(admit_blobs(store, &record, blobs, 3));
  assert_int_equal(count_files(&folder), 1);
  expect_sound(store);
  or_store_close(store);

  store = open_at(folder.path);
  assert_int_equal(count_files(&folder), 1);
  recovered_t recovered = recover(store);
  assert_int_equal(recovered.count, 1);
  assert_int_equal(recovered.blob_count, 3);
  assert_int_equal(recovered.blob_bytes, LARGE + 1);

  /* Its end drops the inputs, and brings outputs. */
  const or_journal_t *journal = or_store_journal(store);
  or_task_record_t end = finished_of("tensors", "{}");
  expect_ok(journal->finish(journal->self, &end, blobs, 3));
  seen_t seen;
  expect_ok(find(store, "tensors", &seen));
  assert_int_equal(seen.blob_count, 3);
  assert_string_equal(seen.blobs[0].name, "large");
  assert_int_equal(seen.blobs[0].role, OR_STORE_OUTPUT);
  assert_int_equal(seen.blobs[0].dtype, OR_UINT8);
  assert_true(or_shape_equal(&seen.blobs[0].shape, &blobs[0].shape));
  assert_int_equal(seen.blobs[1].shape.rank, 0);
  expect_ok(flush(store));
  assert_int_equal(count_files(&folder), 1);

  tensor_read_t read;
  or_store_blob_name_t name = {"tensors", NULL, OR_STORE_OUTPUT, "scalar"};
  expect_ok(read_tensor(store, &name, &read));
  assert_null(read.file);
  assert_int_equal(read.first, 17);
  name.name = "large";
  expect_ok(read_tensor(store, &name, &read));
  assert_non_null(read.file);
  expect_ok(remove_task(store, "tensors"));
  assert_int_equal(count_files(&folder), 0);
  unsigned char last = 0;
  expect_ok(or_file_read_at(read.file, LARGE - 1, &last, 1)); /* whoever holds it can still read */
  assert_int_equal(last, 42);
  or_file_release(read.file);
  expect_failure(read_tensor(store, &name, &read), OR_NOT_FOUND, "no tensor \"large\"");
  close_and_remove(store, &folder);
}

static void keeps_everything_in_memory_where_told_to(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  static unsigned char large[LARGE];
  large[0] = 5;
  or_journal_blob_t blob = {"large", OR_UINT8, or_shape_make(1, (const int64_t[]){LARGE}), large, LARGE};
  or_task_record_t record = record_of("tensors");
  expect_ok(admit_blobs(store, &record, &blob, 1));
  tensor_read_t read;
  or_store_blob_name_t name = {"tensors", NULL, OR_STORE_INPUT, "large"};
  expect_ok(read_tensor(store, &name, &read));
  assert_null(read.file);
  assert_int_equal(read.first, 5);
  assert_int_equal(recover(store).count, 0);
  expect_sound(store);
  or_store_close(store);
  store = open_at(OR_STORE_MEMORY);
  seen_t seen;
  expect_failure(find(store, "tensors", &seen), OR_NOT_FOUND, "tensors");
  or_store_close(store);
}

/* Settings as "name=value ". */
typedef struct settings_t {
  or_store_waiter_t waiter;
  char text[512];
} settings_t;

static void note_setting(void *self, const char *name, const char *value) {
  settings_t *settings = self;
  size_t length = strlen(settings->text);
  (void)snprintf(settings->text + length, sizeof settings->text - length, "%s=%s ", name, value);
}

static void end_settings(void *self, or_status_t status) {
  or_store_waiter_done(&((settings_t *)self)->waiter, status);
}

static void expect_settings(or_store_t *store, or_store_setting_t kind, const char *expected) {
  settings_t settings = {.text = ""};
  or_store_settings_t callbacks = {&settings, note_setting, end_settings};
  or_store_waiter_init(&settings.waiter);
  expect_ok(or_store_waiter_wait(&settings.waiter, or_store_get_settings(store, kind, &callbacks)));
  assert_string_equal(settings.text, expected);
}

static void keeps_settings_of_devices_and_models_apart(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  expect_ok(or_store_put_setting(store, OR_STORE_DEVICE, "cpu_0", "{\"max_concurrency\":2}", NULL, NULL));
  expect_ok(or_store_put_setting(store, OR_STORE_DEVICE, "cpu_0", "{\"max_concurrency\":3}", NULL, NULL));
  expect_ok(or_store_put_setting(store, OR_STORE_DEVICE, "cuda_0", "{}", NULL, NULL));
  expect_ok(or_store_put_setting(store, OR_STORE_MODEL, "cpu_0", "x", NULL, NULL));
  expect_settings(store, OR_STORE_DEVICE, "cpu_0={\"max_concurrency\":3} cuda_0={} ");
  or_store_close(store);
  store = open_at(folder.path);
  expect_settings(store, OR_STORE_MODEL, "cpu_0=x ");
  expect_ok(or_store_put_setting(store, OR_STORE_DEVICE, "cpu_0", NULL, NULL, NULL));
  expect_settings(store, OR_STORE_DEVICE, "cuda_0={} ");
  expect_failure(or_store_put_setting(store, OR_STORE_DEVICE, "", "x", NULL, NULL), OR_INVALID_ARGUMENT, "1 to 255");
  close_and_remove(store, &folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_a_task_through_its_life),
      cmocka_unit_test(records_a_task_that_was_waited_for_by_one_row_at_its_end),
      cmocka_unit_test(admits_a_task_that_has_ended_by_one_row_with_its_outputs),
      cmocka_unit_test(lets_the_first_end_of_a_task_stand),
      cmocka_unit_test(tells_the_same_body_from_another),
      cmocka_unit_test(takes_the_digest_that_it_is_given),
      cmocka_unit_test(hides_a_task_from_other_owners),
      cmocka_unit_test(refuses_what_breaks_the_rules),
      cmocka_unit_test(removes_finished_tasks_only),
      cmocka_unit_test(pages_through_tasks_newest_first_and_filters),
      cmocka_unit_test(keeps_large_tensors_as_files_that_go_with_their_rows),
      cmocka_unit_test(keeps_everything_in_memory_where_told_to),
      cmocka_unit_test(keeps_settings_of_devices_and_models_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
