#!/usr/bin/env python3
"""Writes the test cases of the installed onnx package as folders that `openruntime verify` reads.
make_cases.py FOLDER      FOLDER/{node,simple,pytorch-converted,pytorch-operator}/CASE/{model.onnx,test_data_set_N}"""

import pathlib
import shutil
import sys

import onnx.backend.test.case.model
import onnx.backend.test.loader
from onnx import TensorProto, numpy_helper

RECORDED = ["pytorch-converted", "pytorch-operator"]  # shipped as files


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    for kind in ["node", "simple", *RECORDED]:
        shutil.rmtree(root / kind, ignore_errors=True)
    cases = onnx.backend.test.loader.load_model_tests(kind="node") + [
        case for case in onnx.backend.test.case.model.collect_testcases() if case.kind == "simple"
    ]
    for case in cases:
        write(root / case.kind / case.name, case.model, case.data_sets)
    for kind in RECORDED:
        shutil.copytree(pathlib.Path(onnx.backend.test.loader.DATA_DIR) / kind, root / kind)
    print(f"{len(cases)} cases made in {root}")


def write(folder, model, data_sets):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    for number, (inputs, outputs) in enumerate(data_sets):
        data = folder / f"test_data_set_{number}"
        data.mkdir()
        for kind, values, declared in (("input", inputs, model.graph.input), ("output", outputs, model.graph.output)):
            for index, (value, of) in enumerate(zip(values, declared)):
                (data / f"{kind}_{index}.pb").write_bytes(serialized(value, of.type, of.name))


def serialized(value, declared, name):
    """The bytes of a value of the declared type: TensorProto, SequenceProto or OptionalProto."""
    if declared.HasField("sequence_type"):
        proto = numpy_helper.from_list(value, name)
    elif declared.HasField("optional_type"):
        proto = numpy_helper.from_optional(value, name)
    else:
        proto = value if isinstance(value, TensorProto) else numpy_helper.from_array(value, name)
    return proto.SerializeToString()


if __name__ == "__main__":
    main()
