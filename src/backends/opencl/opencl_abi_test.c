/* Our own types, numbers and signatures against the standard's headers, where those are installed. */
#include "backends/opencl/opencl_abi.h"

#include "base/testing.h"

#if defined(__has_include) && !defined(__CPPCHECK__) /* which does not know it */
#if __has_include(<CL/cl.h>) && __has_include(<CL/cl_ext.h>)
#define HAVE_HEADERS 1
#endif
#endif

#if defined(HAVE_HEADERS)
#include "backends/opencl/library.h"

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_ext.h>

#define NUMBER(name, value) _Static_assert((long long)(CL_##name) == (long long)(value), "CL_" #name " is another");
OR_CL_CODES(NUMBER)
#if !defined(CL_DEVICE_PCI_BUS_INFO_KHR)
#define CL_DEVICE_PCI_BUS_INFO_KHR OR_CL_DEVICE_PCI_BUS_INFO_KHR /* headers older than the extension */
#endif
#if !defined(CL_DEVICE_UUID_KHR)
#define CL_DEVICE_UUID_KHR OR_CL_DEVICE_UUID_KHR
#endif
OR_CL_NUMBERS(NUMBER)
#undef NUMBER

_Static_assert(sizeof(or_cl_topology_amd_t) == sizeof(cl_device_topology_amd), "AMD's topology has another size");
#if defined(CL_VERSION_3_0) && defined(cl_khr_pci_bus_info)
_Static_assert(sizeof(or_cl_pci_bus_info_t) == sizeof(cl_device_pci_bus_info_khr), "the PCI address has another size");
#endif

#define SIGNATURE(name, result, parameters)                                                                     \
  _Static_assert(__builtin_types_compatible_p(__typeof__(*((or_cl_library_t *)0)->name), __typeof__(cl##name)), \
                 "cl" #name " has another signature");
OR_CL_SYMBOLS(SIGNATURE)
OR_CL_OPTIONAL_SYMBOLS(SIGNATURE)
#undef SIGNATURE
#endif

static void agrees_with_the_headers(void **state) {
  (void)state;
#if defined(HAVE_HEADERS)
  assert_int_equal(OR_CL_DEVICE_TYPE_CPU, CL_DEVICE_TYPE_CPU); /* the rest was compared by the compiler */
#else
  print_message("skipped: CL/cl.h is not installed (opencl-headers)\n");
  skip();
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_headers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
