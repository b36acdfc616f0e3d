# The macros of SlicerMacroBuildScriptedModule.cmake, ctkMacroCompilePythonScript.cmake and
# SlicerMacroPythonTesting.cmake, as far as they concern files.

set(EXTENSION_NAME ${PROJECT_NAME})
include(CTest)

macro(ctkMacroCompilePythonScript)
  cmake_parse_arguments(CTK
    "NO_INSTALL_SUBDIR" "TARGET_NAME;SOURCE_DIR;DESTINATION_DIR;INSTALL_DIR" "SCRIPTS;RESOURCES" ${ARGN})
  foreach(name TARGET_NAME SCRIPTS DESTINATION_DIR INSTALL_DIR)
    if(NOT DEFINED CTK_${name})
      message(FATAL_ERROR "${name} is mandatory")
    endif()
  endforeach()
  if(NOT CTK_NO_INSTALL_SUBDIR)
    message(FATAL_ERROR "The stand-in knows NO_INSTALL_SUBDIR only")
  endif()
  add_custom_target(Copy${CTK_TARGET_NAME}PythonScriptFiles ALL)
  foreach(file ${CTK_SCRIPTS} ${CTK_RESOURCES})
    configure_file(${CMAKE_CURRENT_SOURCE_DIR}/${file} ${CTK_DESTINATION_DIR}/${file} COPYONLY)
  endforeach()
  install(DIRECTORY ${CTK_DESTINATION_DIR}/
    DESTINATION ${CTK_INSTALL_DIR} COMPONENT RuntimeLibraries USE_SOURCE_PERMISSIONS)
endmacro()

macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "Unknown keywords: ${MODULE_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT DEFINED MODULE_NAME)
    message(FATAL_ERROR "NAME is mandatory")
  endif()
  foreach(file ${MODULE_SCRIPTS} ${MODULE_RESOURCES})
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
      message(FATAL_ERROR "given nonexistent file '${file}'")
    endif()
  endforeach()
  ctkMacroCompilePythonScript(
    TARGET_NAME ${MODULE_NAME}
    SCRIPTS "${MODULE_SCRIPTS}"
    RESOURCES "${MODULE_RESOURCES}"
    DESTINATION_DIR ${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}
    INSTALL_DIR ${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}
    NO_INSTALL_SUBDIR
    )
endmacro()

macro(slicer_add_python_unittest)
  cmake_parse_arguments(TEST "" "SCRIPT" "SLICER_ARGS" ${ARGN})
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${TEST_SCRIPT})
    message(FATAL_ERROR "no test ${TEST_SCRIPT}")
  endif()
  add_test(NAME py_${TEST_SCRIPT} COMMAND ${CMAKE_COMMAND} -E true)
endmacro()
