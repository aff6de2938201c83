/* Choices: timed once, kept on the disk, timed again where the file is not what was written. */
#include "backends/opencl/tune.h"

#include <sys/stat.h>

#include "backends/opencl/build_internal.h"
#include "backends/opencl/opencl_test_internal.h"
#include "base/file.h"

#define KEY "test.float32"
#define CANDIDATES 3u

typedef struct asked_t {
  or_cl_argument_t arguments[5];
  or_cl_launch_t launch;
  unsigned calls;
} asked_t;

/* The first can't run here, the others copy a matrix of one element. */
static const or_cl_launch_t *candidate(void *self, size_t index) {
  asked_t *asked = self;
  ++asked->calls;
  or_cl_argument_t matrix = or_cl_slot(0), one = or_cl_int(1);
  matrix.bytes = 64;
  const or_cl_argument_t arguments[] = {matrix, matrix, one, one, one};
  memcpy(asked->arguments, arguments, sizeof arguments);
  asked->launch = (or_cl_launch_t){.source = "product",
                                   .entry = "lay_rows",
                                   .options = "-DFORM=PACK -DS=float -DT=float -DACT=0 -DPLAIN",
                                   .arguments = asked->arguments,
                                   .argument_count = 5,
                                   .dimensions = 3,
                                   .global = {1, 1, 1}};
  return index == 0 ? NULL : &asked->launch;
}

/* A device that is opened for it chooses twice; *asked: how many candidates it looked at. */
static size_t choose(unsigned *asked_for) {
  or_cl_device_t *device = cl_open_device();
  void *queue = NULL;
  size_t choice = 0, again = 0;
  asked_t asked = {.calls = 0};
  expect_ok(or_cl_queue_open(device, &queue));
  or_cl_build_t build = {.device = device, .queue = queue};
  or_cl_tune_question_t question = {.key = KEY, .count = CANDIDATES, .candidate = candidate, .self = &asked};
  expect_ok(or_cl_tune_choose(&build, &question, &choice));
  *asked_for = asked.calls;
  expect_ok(or_cl_tune_choose(&build, &question, &again));
  assert_int_equal(asked.calls, *asked_for); /* from memory */
  assert_int_equal(again, choice);
  or_cl_queue_close(device, queue);
  cl_close();
  return choice;
}

static void forget_all(void) { (void)cl_each_file("opencl-choices", cl_unlink); }

static void keeps_a_choice_for_the_next_device(void **state) {
  (void)state;
  unsigned asked = 0;
  forget_all();
  size_t choice = choose(&asked);
  assert_int_equal(asked, CANDIDATES);
  assert_in_range(choice, 1, CANDIDATES - 1);
  assert_int_equal(cl_each_file("opencl-choices", NULL), 1);
  assert_int_equal(choose(&asked), choice);
  assert_int_equal(asked, 0);
}

static void cut_file(const char *path) {
  char *bytes = NULL;
  size_t length = 0;
  expect_ok(or_file_read(or_allocator_system(), path, SIZE_MAX / 2, &bytes, &length));
  expect_ok(or_file_write(path, bytes, length - 1));
  or_free(or_allocator_system(), bytes);
}

static void writes_a_corrupt_file_anew(void **state) {
  (void)state;
  unsigned asked = 0;
  forget_all();
  (void)choose(&asked);
  assert_int_equal(cl_each_file("opencl-choices", cut_file), 1);
  (void)choose(&asked);
  assert_int_equal(asked, CANDIDATES);
  (void)choose(&asked);
  assert_int_equal(asked, 0);
}

static void make_pipe(const char *path) {
  cl_unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0);
}

static void writes_a_file_in_the_place_of_a_pipe(void **state) {
  (void)state;
  unsigned asked = 0;
  forget_all();
  (void)choose(&asked);
  assert_int_equal(cl_each_file("opencl-choices", make_pipe), 1);
  (void)choose(&asked); /* nobody reads the pipe */
  assert_int_equal(asked, CANDIDATES);
  (void)choose(&asked);
  assert_int_equal(asked, 0);
}

static bool parses(const char *text, const char *device, uint32_t *count) {
  static or_cl_tune_entry_t entries[OR_CL_TUNE_MAX_ENTRIES];
  return or_cl_tune_parse(text, strlen(text), device, entries, count);
}

#define HEAD "openruntime opencl choices 1\n"

static void takes_what_was_written_and_nothing_else(void **state) {
  (void)state;
  uint32_t count = 7;
  assert_true(parses(HEAD "gpu 1\nend\n", "gpu 1", &count));
  assert_int_equal(count, 0);
  assert_true(parses(HEAD "gpu 1\na.b-c_9 12\nd 0\nend\n", "gpu 1", &count));
  assert_int_equal(count, 2);
  static const char *const broken[] = {
      "",
      HEAD "gpu 2\nend\n",           /* another device's */
      HEAD "gpu 1\na 1\n",           /* cut */
      HEAD "gpu 1\na 1\nend\nend\n", /* longer */
      HEAD "gpu 1\na\nend\n",
      HEAD "gpu 1\na x\nend\n",
      HEAD "gpu 1\n 1\nend\n",
      HEAD "gpu 1\na 4294967297\nend\n",
      HEAD "gpu 1\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1\nend\n",
  };
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; ++i) {
    assert_false(parses(broken[i], "gpu 1", &count));
    assert_int_equal(count, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_a_choice_for_the_next_device),
      cmocka_unit_test(writes_a_corrupt_file_anew),
      cmocka_unit_test(writes_a_file_in_the_place_of_a_pipe),
      cmocka_unit_test(takes_what_was_written_and_nothing_else),
  };
  return cmocka_run_group_tests(tests, cl_make_folder, cl_remove_folder);
}
