/* Names, versions and listings over real folders. */
#include "base/testing.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "model/repository.h"

static char root[64];

static void folder(const char *path) {
  char full[256];
  or_format(full, sizeof full, "%s/%s", root, path);
  assert_int_equal(mkdir(full, 0777), 0);
}
static void file(const char *path) {
  char full[256];
  or_format(full, sizeof full, "%s/%s", root, path);
  expect_ok(or_file_write(full, "x", 1));
}

static int setup(void **state) {
  (void)state;
  or_format(root, sizeof root, "/tmp/repository_test_XXXXXX");
  assert_non_null(mkdtemp(root));
  file("flat.onnx");
  file("notes.txt");
  folder("plain");
  file("plain/model.onnx");
  folder("versions");
  folder("versions/2");
  file("versions/2/model.onnx");
  folder("versions/10");
  file("versions/10/model.onnx");
  folder("versions/011"); /* not a number as we write them */
  folder("versions/12x");
  folder("empty");
  folder("hollow");
  folder("hollow/3");
  return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info;
  (void)kind;
  (void)place;
  return remove(path);
}

static int teardown(void **state) {
  (void)state;
  return access(root, F_OK) == 0 ? nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS) : 0;
}

static void accepts_names_of_the_rule_and_no_others(void **state) {
  (void)state;
  char longest[130];
  memset(longest, 'a', sizeof longest);
  longest[128] = '\0';
  static const char *const good[] = {"a", "7", "resnet50", "org--name", "A.b_c-d", "a..b"};
  static const char *const bad[] = {"", ".", "..", "-a", "_a", "a/b", "a b", "a:1", "\xc3\xa4", "a\n"};
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) assert_true(or_repository_name_valid(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) assert_false(or_repository_name_valid(bad[i]));
  assert_true(or_repository_name_valid(longest));
  longest[128] = 'a';
  longest[129] = '\0';
  assert_false(or_repository_name_valid(longest));
}

static void expect_found(const char *name, const char *expected) {
  char *found = NULL, full[256];
  expect_ok(or_repository_find(or_allocator_system(), root, name, &found));
  or_format(full, sizeof full, "%s/%s", root, expected);
  assert_string_equal(found, full);
  or_free(or_allocator_system(), found);
}

static void finds_files_folders_and_versions_by_name(void **state) {
  (void)state;
  expect_found("flat", "flat.onnx");
  expect_found("plain", "plain/model.onnx");
  expect_found("versions", "versions/10/model.onnx"); /* by number, not by letters */
  expect_found("versions:2", "versions/2/model.onnx");
}

static void names_the_nearest_model_and_what_is_wrong_with_a_name(void **state) {
  (void)state;
  static const struct {
    const char *name;
    or_status_code_t code;
    const char *words;
  } cases[] = {{"plane", OR_NOT_FOUND, "did you mean \"plain\""},
               {"versions:3", OR_NOT_FOUND, "no model.onnx of that version"},
               {"versions:99999999999999999999", OR_NOT_FOUND, "no model.onnx"},
               {"empty", OR_NOT_FOUND, "no version folder"},
               {"versions:", OR_INVALID_ARGUMENT, "the version is not a number"},
               {"versions:2x", OR_INVALID_ARGUMENT, "the version is not a number"},
               {"versions:-1", OR_INVALID_ARGUMENT, "the version is not a number"},
               {"../plain", OR_INVALID_ARGUMENT, "starts with a letter or digit"},
               {"plain/../plain", OR_INVALID_ARGUMENT, "letters, digits"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char *found = NULL;
    expect_failure(or_repository_find(or_allocator_system(), root, cases[i].name, &found), cases[i].code,
                   cases[i].words);
    assert_null(found);
  }
}

static void resolves_paths(void **state) {
  (void)state;
  char path[256], expected[256], *found = NULL;
  or_format(path, sizeof path, "%s/versions", root);
  or_format(expected, sizeof expected, "%s/versions/10/model.onnx", root);
  expect_ok(or_repository_resolve(or_allocator_system(), path, &found));
  assert_string_equal(found, expected);
  or_free(or_allocator_system(), found);
  or_format(path, sizeof path, "%s/flat.onnx", root);
  expect_ok(or_repository_resolve(or_allocator_system(), path, &found));
  assert_string_equal(found, path);
  or_free(or_allocator_system(), found);
  or_format(path, sizeof path, "%s/notes.txt", root);
  expect_failure(or_repository_resolve(or_allocator_system(), path, &found), OR_UNIMPLEMENTED, "not an .onnx file");
  or_format(path, sizeof path, "%s/hollow", root);
  expect_failure(or_repository_resolve(or_allocator_system(), path, &found), OR_NOT_FOUND, "no model.onnx");
  expect_failure(or_repository_resolve(or_allocator_system(), "/no/such", &found), OR_NOT_FOUND, "/no/such");
  expect_failure(or_repository_resolve(or_allocator_system(), NULL, &found), OR_NOT_FOUND, "no path");
}

static void takes_the_models_name_from_its_file(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"a/digits/3/model.onnx", "digits"},
                                         {"a/digits/model.onnx", "digits"},
                                         {"a//digits//model.onnx", "digits"},
                                         {"a/net.onnx", "net"},
                                         {"net.onnx", "net"},
                                         {"model.onnx", "model"},
                                         {"./model.onnx", "model"},
                                         {"../model.onnx", "model"},
                                         {"3/model.onnx", "model"},
                                         {"/model.onnx", "model"},
                                         {"a/model", "model"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char name[OR_REPOSITORY_NAME_BYTES];
    assert_string_equal(or_repository_name_of(cases[i][0], name, sizeof name), cases[i][1]);
  }
}

static or_status_t append_name(void *self, const char *name, const char *path) {
  (void)path;
  or_format((char *)self + strlen(self), 256 - strlen(self), "%s ", name);
  return or_status_success();
}
static or_status_t refuse(void *self, const char *name, const char *path) {
  (void)path;
  ++*(int *)self;
  return or_error(OR_CANCELLED, "enough of %s", name);
}

static void lists_models_in_order_and_passes_over_what_is_none(void **state) {
  (void)state;
  char names[256] = "";
  int calls = 0;
  expect_ok(or_repository_list(or_allocator_system(), root, append_name, names));
  assert_string_equal(names, "flat plain versions ");
  expect_failure(or_repository_list(or_allocator_system(), root, refuse, &calls), OR_CANCELLED, "enough of flat");
  assert_int_equal(calls, 1);
  expect_failure(or_repository_list(or_allocator_system(), "/no/such", append_name, names), OR_NOT_FOUND, "/no/such");
}

static or_status_t find_and_list(const or_allocator_t *allocator) {
  char *found = NULL, names[256] = "";
  or_status_t status = or_repository_find(allocator, root, "versions", &found);
  or_free(allocator, found);
  return or_ok(status) ? or_repository_list(allocator, root, append_name, names) : status;
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(find_and_list);
}

static bool exists(const char *path) {
  char full[256];
  return access(or_format(full, sizeof full, "%s/%s", root, path), F_OK) == 0;
}

static void removes_a_model_and_nothing_beside_it(void **state) {
  (void)state;
  char link[256], full[256];
  file("gone.onnx");
  file("gone.json");
  file("gone.onnx.data");
  folder("gone"); /* hidden by the file of that name */
  file("gone/model.onnx");
  folder("deep");
  file("deep/model.onnx");
  folder("deep/more");
  file("deep/more/x");
  assert_int_equal(symlink("/tmp", or_format(link, sizeof link, "%s/deep/more/out", root)), 0);
  assert_int_equal(symlink("plain", or_format(link, sizeof link, "%s/linked", root)), 0);
  folder(".removed-1"); /* of a process that ended too soon */
  expect_ok(or_repository_remove(root, "gone", -1));
  assert_false(exists("gone.onnx") || exists("gone.json") || exists("gone.onnx.data") || exists(".removed-1"));
  assert_true(exists("gone/model.onnx"));
  expect_ok(or_repository_remove(root, "gone", -1));
  expect_ok(or_repository_remove(root, "deep", -1));
  expect_ok(or_repository_remove(root, "linked", -1));
  assert_false(exists("gone") || exists("deep") || exists("linked"));
  assert_true(exists("plain/model.onnx"));
  folder("versions/3");
  file("versions/3/model.onnx");
  expect_ok(or_repository_remove(root, "versions", 3));
  assert_false(exists("versions/3"));
  assert_true(exists("versions/2/model.onnx"));
  expect_failure(or_repository_remove(root, "versions", 3), OR_NOT_FOUND, "versions");
  expect_failure(or_repository_remove(root, "none", -1), OR_NOT_FOUND, "none");
  expect_failure(or_repository_remove(root, "none", 1), OR_NOT_FOUND, "none");
  expect_failure(or_repository_remove(root, "../x", -1), OR_INVALID_ARGUMENT, "no model's name");
  expect_failure(or_repository_remove(or_format(full, sizeof full, "%s/no", root), "x", -1), OR_NOT_FOUND, "x");
}

static void leaves_a_tree_that_is_too_deep(void **state) {
  (void)state;
  char path[256] = "tower", full[300];
  folder(path);
  for (int i = 0; i < 40; ++i) {
    or_format(path + strlen(path), sizeof path - strlen(path), "/d");
    folder(path);
  }
  expect_failure(or_repository_remove(root, "tower", -1), OR_UNAVAILABLE, "tower");
  assert_false(exists("tower")); /* gone by its name all the same */
  assert_int_equal(nftw(or_format(full, sizeof full, "%s", root), remove_entry, 64, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accepts_names_of_the_rule_and_no_others),
      cmocka_unit_test(finds_files_folders_and_versions_by_name),
      cmocka_unit_test(names_the_nearest_model_and_what_is_wrong_with_a_name),
      cmocka_unit_test(resolves_paths),
      cmocka_unit_test(takes_the_models_name_from_its_file),
      cmocka_unit_test(lists_models_in_order_and_passes_over_what_is_none),
      cmocka_unit_test(survives_every_failing_allocation),
      cmocka_unit_test(removes_a_model_and_nothing_beside_it),
      cmocka_unit_test(leaves_a_tree_that_is_too_deep),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
