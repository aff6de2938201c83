# cmake --install: program, library, public headers, pkg-config file, data, man page, completions.
if(NOT TARGET openruntime_shared)
  return()
endif()
install(TARGETS openruntime_shared LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY include/openruntime DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
# Relative to the file itself, so that cmake --install --prefix and a moved folder work.
file(RELATIVE_PATH OR_PREFIX_FROM_PC "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
configure_file(openruntime.pc.in "${CMAKE_BINARY_DIR}/openruntime.pc" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/openruntime.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DOCDIR}" FILES_MATCHING PATTERN "*.md")
if(EXISTS "${CMAKE_SOURCE_DIR}/data")
  install(DIRECTORY data/ DESTINATION "${CMAKE_INSTALL_DATADIR}/openruntime")
endif()

if(TARGET openruntime)
  install(TARGETS openruntime RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  # Where it is installed is known at the installation: the unit names the program's place.
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    install(CODE "
      set(OR_UNIT_PROGRAM \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/openruntime\")
      configure_file(\"${CMAKE_SOURCE_DIR}/packaging/openruntime.service.in\"
                     \"${CMAKE_BINARY_DIR}/openruntime.service\" @ONLY)
      file(INSTALL \"${CMAKE_BINARY_DIR}/openruntime.service\"
           DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")")
  endif()
  # The program prints its man page and completions itself; a build for another machine can't run it and goes without.
  if(NOT CMAKE_CROSSCOMPILING)
    set(printed "bash=${CMAKE_INSTALL_DATADIR}/bash-completion/completions/openruntime"
                "zsh=${CMAKE_INSTALL_DATADIR}/zsh/site-functions/_openruntime"
                "man=${CMAKE_INSTALL_MANDIR}/man1/openruntime.1")
    foreach(entry IN LISTS printed)
      string(REGEX MATCH "^([^=]+)=(.+)$" unused "${entry}")
      install(CODE "
        execute_process(COMMAND \"$<TARGET_FILE:openruntime>\" completion ${CMAKE_MATCH_1} ERROR_QUIET
                        OUTPUT_FILE \"${CMAKE_BINARY_DIR}/printed.${CMAKE_MATCH_1}\" RESULT_VARIABLE failed)
        if(NOT failed)
          get_filename_component(folder \"${CMAKE_MATCH_2}\" DIRECTORY)
          get_filename_component(name \"${CMAKE_MATCH_2}\" NAME)
          file(INSTALL \"${CMAKE_BINARY_DIR}/printed.${CMAKE_MATCH_1}\" RENAME \"\${name}\"
               DESTINATION \"\${CMAKE_INSTALL_PREFIX}/\${folder}\")
        endif()")
    endforeach()
  endif()
endif()
