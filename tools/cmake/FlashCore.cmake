# Helpers shared by every CMakeLists.txt of the project.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # A precompiled header is cached by content; the clone's path does not matter.
  set(fc_launcher ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${fc_launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${fc_launcher})
endif()

find_program(FC_LLD NAMES ld.lld-22 ld.lld)
if(FC_LLD)
  add_link_options(-fuse-ld=${FC_LLD})
endif()

add_compile_options(-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # libstdc++ 12's own stable_sort uses what it calls deprecated.
  add_compile_options(-fcolor-diagnostics -Wno-deprecated-declarations)
endif()
if(FC_WERROR)
  add_compile_options(-Werror)
endif()
if(FC_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()

# fc_add_library(name SOURCES... LINK libs...): a static library; headers are found from the root
# ("dsl/Ast.h", "runtime/emulator/Emulator.h").
function(fc_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

# fc_add_tool(name SOURCES... LINK libs...): a binary in build/bin.
function(fc_add_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
endfunction()

# fc_self_contained(target): it can be copied to a machine that has none of our libraries.
function(fc_self_contained target)
  if(NOT FC_SANITIZE)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/runtime/Fmt.cpp)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,--as-needed)
  endif()
endfunction()

# fc_add_unittest(name SOURCES... LINK libs...): a GoogleTest binary in build/unittests, in ctest.
# Every test binary is listed in the property FC_UNITTESTS, which tools/test.sh counts over.
function(fc_add_unittest name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gtest_main GTest::gmock)
  target_compile_definitions(${name} PRIVATE FC_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                             FC_BINARY_DIR="${CMAKE_BINARY_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/unittests)
  add_test(NAME ${name} COMMAND ${name})
  set_property(GLOBAL APPEND PROPERTY FC_UNITTESTS ${name})
endfunction()

# fc_add_fuzzer(name SOURCES... LINK libs... CORPUS dir): a libFuzzer binary in sanitized builds.
function(fc_add_fuzzer name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LINK" ${ARGN})
  if(FC_SANITIZE)
    add_executable(${name} ${ARG_SOURCES})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
    target_link_libraries(${name} PRIVATE ${ARG_LINK})
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzzers)
  endif()
endfunction()
