/* The header as numpy.lib.format states it: magic, version, length, a Python dictionary, padding to 64 bytes. */
#include "base/testing.h"

#include "base/string.h"
#include "model/npy.h"

#define CAPACITY 4096

/* A file of version `major` with this header and `data_bytes` zeros behind it; its length. */
static size_t make_file(char *out, int major, const char *header, size_t data_bytes) {
  size_t length = strlen(header), prefix = major == 1 ? 10 : 12;
  memset(out, 0, CAPACITY);
  memcpy(out, "\x93NUMPY", 6);
  out[6] = (char)major;
  out[8] = (char)(length & 0xff);
  out[9] = (char)(length >> 8);
  memcpy(out + prefix, header, length);
  return prefix + length + data_bytes;
}

static void reads_every_version_and_spelling_of_the_header(void **state) {
  (void)state;
  static const struct {
    int major;
    const char *header;
    or_dtype_t dtype;
    int32_t rank;
    int64_t dims[3];
    size_t bytes;
  } cases[] = {
      {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", OR_FLOAT32, 2, {2, 3}, 24},
      {2, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }  \n", OR_FLOAT64, 1, {3}, 24},
      {3, "{\"shape\": (), \"descr\": \"<i8\", \"fortran_order\": False}", OR_INT64, 0, {0}, 8},
      {1, "{'descr':'|u1','fortran_order':False,'shape':(1,2,3)}", OR_UINT8, 3, {1, 2, 3}, 6},
      {1, "{'descr': '|b1', 'fortran_order': False, 'shape': (0, 4), }", OR_BOOL, 2, {0, 4}, 0},
      {1, "{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", OR_COMPLEX128, 1, {1}, 16},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char file[CAPACITY];
    or_npy_header_t header;
    size_t length = make_file(file, cases[i].major, cases[i].header, cases[i].bytes);
    expect_ok(or_npy_parse(file, length, &header));
    assert_int_equal(header.dtype, cases[i].dtype);
    assert_int_equal(header.shape.rank, cases[i].rank);
    for (int32_t d = 0; d < cases[i].rank; ++d) assert_int_equal(header.shape.dims[d], cases[i].dims[d]);
    assert_int_equal(header.data_bytes, cases[i].bytes);
    assert_int_equal(header.data_offset, length - cases[i].bytes);
  }
}

static void refuses_what_it_can_not_read_and_says_the_cure(void **state) {
  (void)state;
#define DESCR "'descr': '<f4', "
#define ORDER "'fortran_order': False, "
  static const struct {
    const char *header;
    or_status_code_t code;
    const char *words;
  } cases[] = {
      {"{'descr': '>f4', " ORDER "'shape': (1,), }", OR_UNIMPLEMENTED, "big-endian; save it as little-endian"},
      {"{'descr': '|S3', " ORDER "'shape': (1,), }", OR_UNIMPLEMENTED, "\"|S3\" is not one of numbers"},
      {"{'descr': [('x', '<f4')], " ORDER "'shape': (1,), }", OR_UNIMPLEMENTED, "structured dtype"},
      {"{'descr': '<f4<f4<f4<f4<f4<f4', " ORDER "'shape': (1,), }", OR_UNIMPLEMENTED, "structured dtype"},
      {"{" DESCR "'fortran_order': True, 'shape': (1,), }", OR_UNIMPLEMENTED, "ascontiguousarray"},
      {"{" DESCR "'fortran_order': 0, 'shape': (1,), }", OR_DATA_LOSS, "neither True nor False"},
      {"{" DESCR "'fortran_order': F", OR_DATA_LOSS, "neither True nor False"},
      {"{" DESCR ORDER "'shape': [1], }", OR_DATA_LOSS, "the header's shape is no tuple"},
      {"{" DESCR ORDER "'shape': (x,), }", OR_DATA_LOSS, "an extent is no number"},
      {"{" DESCR ORDER "'shape': (-1,), }", OR_DATA_LOSS, "an extent is no number"},
      {"{" DESCR ORDER "'shape': (99999999999999999999,), }", OR_DATA_LOSS, "an extent is no number"},
      {"{" DESCR ORDER "'shape': (1 2), }", OR_DATA_LOSS, "the shape does not end"},
      {"{" DESCR ORDER "'shape': (1", OR_DATA_LOSS, "the shape does not end"},
      {"{" DESCR ORDER "'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1), }", OR_OUT_OF_RANGE, "more than 16 dimensions"},
      {"{" DESCR ORDER "'shape': (4611686018427387904, 4), }", OR_OUT_OF_RANGE, "overflows"},
      {"[" DESCR ORDER "'shape': (1,), ]", OR_DATA_LOSS, "no dictionary"},
      {"{" DESCR ORDER "}", OR_DATA_LOSS, "lacks descr, fortran_order or shape"},
      {"{" DESCR ORDER "'shape': (1,), 'extra': 1}", OR_DATA_LOSS, "unknown key \"extra\""},
      {"{" DESCR ORDER "'shape': (1,) 'extra': 1}", OR_DATA_LOSS, "the header is damaged"},
      {"{" DESCR ORDER "'shape': (1,)", OR_DATA_LOSS, "the header is damaged"},
      {"{'a_key_that_is_too_long': 1}", OR_DATA_LOSS, "the header is damaged"},
      {"{'descr' '<f4'}", OR_DATA_LOSS, "the header is damaged"},
      {"{'descr': '<f4", OR_UNIMPLEMENTED, "structured dtype"},
      {"{descr: '<f4'}", OR_DATA_LOSS, "the header is damaged"},
      {"{", OR_DATA_LOSS, "the header is damaged"},
      {"", OR_DATA_LOSS, "no dictionary"},
  };
#undef DESCR
#undef ORDER
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char file[CAPACITY];
    or_npy_header_t header;
    expect_failure(or_npy_parse(file, make_file(file, 1, cases[i].header, 4), &header), cases[i].code, cases[i].words);
  }
}

static void refuses_what_is_cut_or_no_npy_file(void **state) {
  (void)state;
  static const char text[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  char file[CAPACITY];
  or_npy_header_t header;
  size_t length = make_file(file, 1, text, 8);
  for (size_t cut = 0; cut < length; ++cut) { /* the header cut within "(2,)" says less, never something else */
    or_status_t status = or_npy_parse(file, cut, &header);
    assert_int_equal(or_status_code(status), OR_DATA_LOSS);
    or_status_ignore(status); /* the failure was the point */
  }
  expect_failure(or_npy_parse(file, length - 1, &header), OR_DATA_LOSS, "7 bytes of elements; shape and dtype need 8");
  expect_failure(or_npy_parse(file, length + 1, &header), OR_DATA_LOSS, "9 bytes of elements; shape and dtype need 8");
  file[6] = 4;
  expect_failure(or_npy_parse(file, length, &header), OR_UNIMPLEMENTED, "version 4.0; 1 to 3 are read");
  file[6] = 0;
  expect_failure(or_npy_parse(file, length, &header), OR_UNIMPLEMENTED, "version 0.0");
  file[0] = 'N';
  expect_failure(or_npy_parse(file, length, &header), OR_DATA_LOSS, "not an .npy file");
  memcpy(file, "\x93NUMPY\x02\0\xff\xff\xff\x7f", 12);
  expect_failure(or_npy_parse(file, length, &header), OR_OUT_OF_RANGE, "a header of 2147483647 bytes; the limit is");
  expect_failure(or_npy_parse(file, 11, &header), OR_DATA_LOSS, "the file ends in its header");
}

static void what_it_writes_is_aligned_and_reads_back(void **state) {
  (void)state;
  static const or_dtype_t dtypes[] = {OR_FLOAT32, OR_FLOAT64, OR_FLOAT16,   OR_INT8,      OR_UINT8,
                                      OR_INT16,   OR_UINT16,  OR_INT32,     OR_INT64,     OR_UINT32,
                                      OR_UINT64,  OR_BOOL,    OR_COMPLEX64, OR_COMPLEX128};
  static const int64_t dims[OR_MAX_RANK] = {1, 2, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; ++i) {
    for (size_t rank = 0; rank <= OR_MAX_RANK; ++rank) {
      char file[CAPACITY];
      size_t length = 0;
      uint64_t count = 0;
      or_npy_header_t header;
      or_shape_t shape = or_shape_make(rank, dims);
      assert_true(or_shape_count(&shape, &count));
      memset(file, 0, sizeof file);
      expect_ok(or_npy_header(dtypes[i], &shape, file, &length));
      assert_int_equal(length % 64, 0);
      assert_int_equal(file[length - 1], '\n');
      expect_ok(or_npy_parse(file, length + or_dtype_bytes(dtypes[i], count), &header));
      assert_int_equal(header.dtype, dtypes[i]);
      assert_true(or_shape_equal(&header.shape, &shape));
    }
  }
}

static void says_what_the_format_has_no_words_for(void **state) {
  (void)state;
  char file[OR_NPY_HEADER_BYTES];
  size_t length = 0;
  or_shape_t shape = or_shape_make(1, (int64_t[]){2});
  expect_failure(or_npy_header(OR_BFLOAT16, &shape, file, &length), OR_UNIMPLEMENTED, "no dtype for bfloat16");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_every_version_and_spelling_of_the_header),
      cmocka_unit_test(refuses_what_it_can_not_read_and_says_the_cure),
      cmocka_unit_test(refuses_what_is_cut_or_no_npy_file),
      cmocka_unit_test(what_it_writes_is_aligned_and_reads_back),
      cmocka_unit_test(says_what_the_format_has_no_words_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
