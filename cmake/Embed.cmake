# cmake -DINPUT=FILE -DOUTPUT=FILE.c -DSYMBOL=NAME -P Embed.cmake: the bytes of a file as a C array, terminated.
file(READ "${INPUT}" bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR length "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
file(WRITE "${OUTPUT}" "#include <stddef.h>\nextern const char ${SYMBOL}[];\nextern const size_t ${SYMBOL}_bytes;\n"
     "const char ${SYMBOL}[] = {${bytes}0};\nconst size_t ${SYMBOL}_bytes = ${length};\n")
