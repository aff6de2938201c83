# Optional libraries. Each is used from one folder only (see the table in tools/check_includes.py); what is missing
# turns into OR_HAVE_<NAME> 0 in or_config.h, and the program says so in `openruntime version`.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

foreach(name JANSSON PNG JPEG CURL HWLOC DNNL SQLITE CMOCKA UV OPENSSL WEBSOCKETS)
  set(OR_HAVE_${name} 0)
  set(OR_${name} "")
endforeach()

# or_optional(<NAME> <imported target>): records a library that has been found.
macro(or_optional name target)
  if(TARGET ${target})
    set(OR_HAVE_${name} 1)
    set(OR_${name} ${target})
  endif()
endmacro()

if(NOT OR_CORE_ONLY)
  find_package(PkgConfig)
  if(PkgConfig_FOUND)
    pkg_check_modules(JANSSON IMPORTED_TARGET jansson>=2.10) # what our reader of JSON is tested against, nothing else
    pkg_check_modules(HWLOC IMPORTED_TARGET hwloc>=2.0)
    pkg_check_modules(SQLITE IMPORTED_TARGET sqlite3>=3.37)
    pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
    pkg_check_modules(UV IMPORTED_TARGET libuv>=1.42)
    pkg_check_modules(WEBSOCKETS IMPORTED_TARGET libwebsockets) # a peer in bench/, nothing else
  endif()
  find_package(PNG)
  find_package(JPEG)
  find_package(CURL)
  find_package(OpenSSL 3.0)
  or_optional(JANSSON PkgConfig::JANSSON)
  or_optional(HWLOC PkgConfig::HWLOC)
  or_optional(SQLITE PkgConfig::SQLITE)
  or_optional(CMOCKA PkgConfig::CMOCKA)
  or_optional(UV PkgConfig::UV)
  or_optional(WEBSOCKETS PkgConfig::WEBSOCKETS)
  or_optional(OPENSSL OpenSSL::SSL)
  or_optional(PNG PNG::PNG)
  or_optional(JPEG JPEG::JPEG)
  or_optional(CURL CURL::libcurl)

  # Header only: the library itself is opened at run time, so that one binary runs with and without it.
  # Its version 2 is spoken (Debian 12); the headers of version 3 (Debian 13, Ubuntu 24.04) are as good as none.
  find_path(OR_DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.h)
  if(OR_DNNL_INCLUDE_DIR)
    file(STRINGS "${OR_DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h" version
         REGEX "^#define[ \t]+DNNL_VERSION_MAJOR[ \t]+2$")
    if(version)
      set(OR_HAVE_DNNL 1)
    endif()
  endif()
endif()

# The server needs them and SQLite; without one of them src/server is left out, and the command says which are
# needed.
set(OR_HAVE_SERVER 0)
if(OR_HAVE_UV AND OR_HAVE_OPENSSL AND OR_HAVE_SQLITE)
  set(OR_HAVE_SERVER 1)
elseif(NOT OR_CORE_ONLY)
  message(STATUS "No server: it needs libuv, OpenSSL 3 and SQLite")
endif()

set(OR_GENERATED_DIR "${CMAKE_BINARY_DIR}/generated")
file(RELATIVE_PATH OR_DATADIR_FROM_PROGRAM "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_DATADIR}/openruntime")
file(RELATIVE_PATH OR_DOCDIR_FROM_PROGRAM "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_DOCDIR}")
configure_file("${CMAKE_SOURCE_DIR}/cmake/or_config.h.in" "${OR_GENERATED_DIR}/or_config.h" @ONLY)

# The revision has a header of its own that is looked at in every build and rewritten only when it differs, so that a
# commit recompiles one file and not all.
add_custom_target(or_revision ALL
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DOUTPUT=${OR_GENERATED_DIR}/or_revision.h
          -P ${CMAKE_SOURCE_DIR}/cmake/Revision.cmake
  BYPRODUCTS "${OR_GENERATED_DIR}/or_revision.h"
  COMMENT "")

set(found "")
foreach(name JANSSON PNG JPEG CURL HWLOC DNNL SQLITE CMOCKA UV OPENSSL WEBSOCKETS)
  if(OR_HAVE_${name})
    list(APPEND found ${name})
  endif()
endforeach()
message(STATUS "Optional libraries: ${found}")
