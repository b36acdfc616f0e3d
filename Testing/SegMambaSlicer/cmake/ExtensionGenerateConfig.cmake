# Writes what Slicer's own file puts into the extension's description, for the test to read.
file(WRITE ${CMAKE_BINARY_DIR}/description.txt
  "name ${EXTENSION_NAME}\n"
  "homepage ${EXTENSION_HOMEPAGE}\n"
  "contributors ${EXTENSION_CONTRIBUTORS}\n"
  "description ${EXTENSION_DESCRIPTION}\n"
  "iconurl ${EXTENSION_ICONURL}\n"
  "screenshoturls ${EXTENSION_SCREENSHOTURLS}\n"
  "depends ${EXTENSION_DEPENDS}\n"
  )
