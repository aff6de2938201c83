#ifndef OR_TESTS_FAKE_OPENCL_FAKE_OPENCL_H
#define OR_TESTS_FAKE_OPENCL_FAKE_OPENCL_H
/* A library that stands in front of the system's OpenCL: it forwards, counts calls, and fails where a test says so. A
 * process takes it by OPENRUNTIME_OPENCL_LIBRARY=<fake_opencl_path()>.
 *
 * What it is told, by environment variables FAKE_OPENCL_<WHAT> (read with the first call) or fake_opencl_set:
 *   FAIL     "n": the n-th call from now on fails, "n+": that one and all after it, "NAME:n", "NAME:n+": calls of one
 *            name; "" or NULL: none
 *   CODE     what they fail with (-5, CL_OUT_OF_RESOURCES)
 *   TRIGGER  a file: FAIL counts from the moment that this file is there
 *   DRIVER   what devices say to be their driver's version
 *   GPU      "1": devices say that they are graphics processors with memory of their own
 *   GROUP    the most work items that devices have in a group; kernels run in no larger ones
 *   ADDRESS_BITS  of devices' addresses
 *   HIDE     extensions that devices do not have, separated by spaces
 *   REAL     the library that is behind it (libOpenCL.so.1); environment only. If it can't be loaded, there are no
 *            platforms
 *   COUNTS   a file in which the counts are written when the process ends: "NAME count" a line; environment only
 *
 * A call that fails isn't forwarded, but for those that end or give back (calls_list.h). Any thread. */

#include <stdbool.h>
#include <stdint.h>

/* --- What a test's process calls; control.c, in the test library --- */

/* The library's path. A static string. */
const char *fake_opencl_path(void);
/* Loads it into this process and has OPENRUNTIME_OPENCL_LIBRARY name it, before anything else opens OpenCL. False: it
 * can't be loaded, which standard error says. */
bool fake_opencl_open(void);
void fake_opencl_set(const char *what, const char *value);
/* Calls of that name so far, or of any (NULL). */
uint64_t fake_opencl_count(const char *name);
/* References that are held: "context", "queue", "memory", "program", "kernel", "event", "svm"; NULL: to anything. */
int64_t fake_opencl_live(const char *object);
/* The name of the last call that was made to fail by the present rule; NULL: none was. */
const char *fake_opencl_failed(void);

#endif
