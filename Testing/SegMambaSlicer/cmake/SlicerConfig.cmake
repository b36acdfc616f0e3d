# Stand-in for Slicer's build tree, found with -DSlicer_DIR=<this folder>.
#
# It knows what SegMamba's CMakeLists.txt files use, checks the arguments as Slicer's macros do, and installs what they
# would install. Files are copied while configuring, so that no build is needed. It proves which files are listed and
# where they go, not that Slicer builds the extension.

set(Slicer_USE_FILE ${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake)
set(Slicer_EXTENSION_GENERATE_CONFIG ${CMAKE_CURRENT_LIST_DIR}/ExtensionGenerateConfig.cmake)
set(Slicer_EXTENSION_CPACK ${CMAKE_CURRENT_LIST_DIR}/ExtensionCPack.cmake)
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR lib/Slicer-5.13/qt-scripted-modules)
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR lib/Slicer-5.13/qt-scripted-modules)
