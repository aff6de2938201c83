# Tests that belong to no single folder: the conformance runner, faults, end to end, examples.
if(NOT OR_TESTS OR OR_FUZZ)  # a fuzz build is for the fuzz targets alone
  return()
endif()
set(every_library ${OR_LIBRARIES})
list(REVERSE every_library)

# tests/cts: one program, no test library, so that it runs on any machine.
file(GLOB_RECURSE cts CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/cts/*.c")
if(cts)
  add_executable(openruntime-cts ${cts})
  or_common(openruntime-cts)
  target_include_directories(openruntime-cts PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  target_link_libraries(openruntime-cts PRIVATE ${OR_TEST_LIBRARIES} ${every_library})
  # or_cts(<name> <arguments>...)
  function(or_cts name)
    add_test(NAME ${name} COMMAND openruntime-cts ${ARGN} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES LABELS cts TIMEOUT 1800)
  endfunction()
  # Compiled kernels are kept beside the builds, which have the same ones.
  get_filename_component(beside "${CMAKE_BINARY_DIR}" DIRECTORY)
  set(opencl --backend opencl --vendor --if-there --cache "${beside}/opencl-cache")
  or_cts(cts --backend cpu)
  # Instrumented builds are slow: of the fake device what its threads take part in. What the thread sanitizer sees of an
  # OpenCL driver, which is not instrumented, are its queues and its runs; oneDNN's OpenMP, which would look racy, is
  # left out of its build unless --vendor is said.
  if(OR_SANITIZE MATCHES "thread")
    or_cts(cts_opencl_queues ${opencl} --filter queue/)
    or_cts(cts_opencl_runs ${opencl} --filter run/)
  else()
    or_cts(cts_opencl ${opencl} --types float32,int32) # a driver compiles each type anew; .ci/run has them all
  endif()
  if(OR_SANITIZE OR OR_COVERAGE)
    or_cts(cts_fake_queues --backend fake --filter queue)
  else()
    or_cts(cts_null --backend null)
    or_cts(cts_fake --backend fake)
  endif()
  # And on an OpenCL device that says that its memory is its own: what moves bytes, and runs.
  foreach(suite memory queue run)
    add_test(NAME cts_opencl_apart_${suite} COMMAND openruntime-cts --backend opencl --vendor --filter ${suite}/
      WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(cts_opencl_apart_${suite} PROPERTIES LABELS cts TIMEOUT 1200
      SKIP_REGULAR_EXPRESSION "opencl: no device" ENVIRONMENT
      "OPENRUNTIME_OPENCL_LIBRARY=$<TARGET_FILE:fake_opencl>;FAKE_OPENCL_GPU=1")
  endforeach()
endif()
if(OR_CORE_ONLY)
  return()
endif()

# The suite's float32 cases of operators on whatever device is there, which says that it is a graphics processor.
function(or_cts_as_gpu name environment)
  foreach(operator ${ARGN})
    add_test(NAME cts_opencl_${name}_${operator}
      COMMAND openruntime-cts --backend opencl --filter op/${operator}/float32 --cache "${beside}/opencl-cache"
      WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(cts_opencl_${name}_${operator} PROPERTIES LABELS cts TIMEOUT 1200
      SKIP_REGULAR_EXPRESSION "opencl: no device"
      ENVIRONMENT "OPENRUNTIME_OPENCL_LIBRARY=$<TARGET_FILE:fake_opencl>;FAKE_OPENCL_GPU=1${environment}")
  endforeach()
endfunction()
if(TARGET openruntime-cts AND TARGET fake_opencl AND NOT OR_SANITIZE)
  or_cts_as_gpu(tiles "" MatMul-13 Gemm-13 Conv-22)
  or_cts_as_gpu(groups_of_128 ";FAKE_OPENCL_GROUP=128" MatMul-13 Gemm-13)
  # Its groups are smaller than any that are asked for.
  or_cts_as_gpu(small_groups ";FAKE_OPENCL_GROUP=24" Transpose-13 Softmax-13 DFT-20)
endif()

# tests/fault: x_test.c is a program, x_preload.c a module for LD_PRELOAD, fault_server.c the server on a disk that
# forgets (disk.c), with memory that runs out (memory.c) and devices that fail (devices.c), any other .c is shared by
# the programs.
file(GLOB faults CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/fault/*.c")
set(preloads ${faults})
list(FILTER preloads INCLUDE REGEX "_preload\\.c$")
list(FILTER faults EXCLUDE REGEX "(_preload|/fault_server|/devices|/disk|/memory)\\.c$")
or_split(faults)
set(preload_environment "")
set(preload_targets "")
foreach(file IN LISTS preloads)
  get_filename_component(name "${file}" NAME_WE)
  add_library(${name} MODULE "${file}")
  or_common(${name})
  list(APPEND preload_targets ${name})
  list(APPEND preload_environment "$<UPPER_CASE:${name}>=$<TARGET_FILE:${name}>")
endforeach()
if(OR_HAVE_CMOCKA)
  foreach(file IN LISTS faults_tests)
    or_executable(test "${file}" ${every_library} ${OR_CMOCKA})
    target_sources(${test} PRIVATE ${faults_sources})
    target_include_directories(${test} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
    add_test(NAME ${test} COMMAND ${test} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${test} PROPERTIES LABELS fault TIMEOUT 1200)
    if(preload_environment)
      add_dependencies(${test} ${preload_targets})
      set_tests_properties(${test} PROPERTIES ENVIRONMENT "${preload_environment}")
    endif()
  endforeach()
endif()

# The program again, on a disk whose cache dies with it, with memory that runs out and devices that fail: the linker
# hands the calls that it wraps to fault_server.c, memory.c and devices.c.
if(OR_HAVE_SERVER AND OR_HAVE_SQLITE AND NOT APPLE)
  add_executable(fault_server "${CMAKE_SOURCE_DIR}/tests/fault/fault_server.c" "${CMAKE_SOURCE_DIR}/tests/fault/disk.c"
    "${CMAKE_SOURCE_DIR}/tests/fault/devices.c" "${CMAKE_SOURCE_DIR}/tests/fault/memory.c")
  or_common(fault_server)
  target_include_directories(fault_server PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  target_link_libraries(fault_server PRIVATE ${OR_TEST_LIBRARIES} ${every_library} ${OR_SQLITE})
  target_link_options(fault_server PRIVATE -Wl,--wrap=or_store_options -Wl,--wrap=or_job_tell
    -Wl,--wrap=or_allocator_system -Wl,--wrap=or_arena_alloc -Wl,--wrap=or_runtime_create
    -Wl,--wrap=or_scheduler_create -Wl,--wrap=or_schema_migrate)
endif()

# examples/x.c: each a program that an embedder could have written: public headers and libopenruntime.so, nothing else.
file(GLOB examples CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/examples/*.c")
foreach(file IN LISTS examples)
  get_filename_component(name "${file}" NAME_WE)
  add_executable(example_${name} "${file}")
  target_link_libraries(example_${name} PRIVATE openruntime_shared Threads::Threads m)
  add_test(NAME example_${name} COMMAND example_${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(example_${name} PROPERTIES LABELS "example")
  if(TARGET openruntime)  # whose workers run kernels of users
    set_tests_properties(example_${name} PROPERTIES ENVIRONMENT "OPENRUNTIME_PROGRAM=$<TARGET_FILE:openruntime>")
  endif()
endforeach()

# tests/e2e: scripts that drive the built program, OPENRUNTIME; OPENRUNTIME_BUILD and OPENRUNTIME_SOURCE.
if(TARGET openruntime)
  # The interpreter that has NumPy, where there are several.
  foreach(candidate /usr/bin/python3 python3)
    execute_process(COMMAND ${candidate} -c "import numpy" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(NOT failed AND NOT OR_PYTHON)
      set(OR_PYTHON ${candidate})
    endif()
  endforeach()
  if(NOT OR_PYTHON)
    set(OR_PYTHON python3)
  endif()
  set(folder "${CMAKE_SOURCE_DIR}/tests/e2e")
  file(GLOB scripts CONFIGURE_DEPENDS "${folder}/*_test.py" "${folder}/*_test.sh" "${folder}/test_*.py"
       "${folder}/test_*.sh")
  if(TARGET fault_server)  # and those of tests/fault, which need the other server too
    file(GLOB fault_scripts CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/fault/*_test.py")
    list(APPEND scripts ${fault_scripts})
  endif()
  foreach(script IN LISTS scripts)
    get_filename_component(name "${script}" NAME_WE)
    set(kind e2e)
    if(script MATCHES "/fault/")
      set(kind fault)
    endif()
    if(script MATCHES "\\.py$")
      set(command ${OR_PYTHON} "${script}")
    else()
      set(command bash "${script}")
    endif()
    add_test(NAME ${kind}_${name} COMMAND ${command} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set(environment "OPENRUNTIME=$<TARGET_FILE:openruntime>" "OPENRUNTIME_BUILD=${CMAKE_BINARY_DIR}"
        "OPENRUNTIME_SOURCE=${CMAKE_SOURCE_DIR}" PYTHONDONTWRITEBYTECODE=1)
    if(kind STREQUAL "fault")
      list(APPEND environment "FAULT_SERVER=$<TARGET_FILE:fault_server>" "FAKE_OPENCL=$<TARGET_FILE:fake_opencl>")
    endif()
    set_tests_properties(${kind}_${name} PROPERTIES LABELS ${kind} TIMEOUT 1200 ENVIRONMENT "${environment}")
  endforeach()
endif()
