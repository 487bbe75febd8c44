// Writes the model as ONNX: takes features as they are in the table, gives minutes.
import { create, toBinary } from "@bufbuild/protobuf";
import * as onnx from "onnx-buf";

/** The format and the operators of ONNX 1.12 (2022): nothing newer is needed, and every runtime since reads it. */
const IR_VERSION = 8n;
export const OPSET = 17;
export const INPUT = "features";
export const OUTPUT = "delay_minutes";

const tensor = (name, dims, values) =>
  create(onnx.TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: onnx.TensorProto_DataType.FLOAT,
    floatData: values,
  });

const node = (opType, input, output) => create(onnx.NodeProtoSchema, { opType, name: output, input, output: [output] });

/** A float matrix of any number of rows. */
const matrix = (name, columns) => {
  const dim = [
    create(onnx.TensorShapeProto_DimensionSchema, { value: { case: "dimParam", value: "flights" } }),
    create(onnx.TensorShapeProto_DimensionSchema, { value: { case: "dimValue", value: BigInt(columns) } }),
  ];
  const tensorType = create(onnx.TypeProto_TensorSchema, {
    elemType: onnx.TensorProto_DataType.FLOAT,
    shape: create(onnx.TensorShapeProtoSchema, { dim }),
  });
  const type = create(onnx.TypeProtoSchema, { value: { case: "tensorType", value: tensorType } });
  return create(onnx.ValueInfoProtoSchema, { name, type });
};

/** The bytes of an ONNX file: Sub, Div, then Gemm (and Relu) for each layer, then Mul, Add. */
export function encodeOnnx({ features, scaler, target, layers, depth, seed }) {
  const width = features.length;
  const constants = [
    tensor("mean", [width], scaler.mean),
    tensor("deviation", [width], scaler.deviation),
    tensor("target_scale", [1], [target.scale]),
    tensor("target_offset", [1], [target.offset]),
  ];
  const nodes = [node("Sub", [INPUT, "mean"], "centred"), node("Div", ["centred", "deviation"], "hidden_0")];
  for (const [index, { weights, bias }] of layers.entries()) {
    const last = index === layers.length - 1;
    constants.push(
      tensor(`weights_${index}`, [weights.length, bias.length], weights.flat()),
      tensor(`bias_${index}`, [bias.length], bias),
    );
    nodes.push(node("Gemm", [`hidden_${index}`, `weights_${index}`, `bias_${index}`], `linear_${index}`));
    if (!last) nodes.push(node("Relu", [`linear_${index}`], `hidden_${index + 1}`));
  }
  nodes.push(
    node("Mul", [`linear_${layers.length - 1}`, "target_scale"], "scaled"),
    node("Add", ["scaled", "target_offset"], OUTPUT),
  );

  const graph = create(onnx.GraphProtoSchema, {
    name: `flight delay, depth ${depth}, seed ${seed}`,
    node: nodes,
    initializer: constants,
    input: [matrix(INPUT, width)],
    output: [matrix(OUTPUT, 1)],
  });
  const model = create(onnx.ModelProtoSchema, {
    irVersion: IR_VERSION,
    opsetImport: [create(onnx.OperatorSetIdProtoSchema, { domain: "", version: BigInt(OPSET) })],
    producerName: "weft-example-flight-delay",
    metadataProps: [create(onnx.StringStringEntryProtoSchema, { key: "features", value: JSON.stringify(features) })],
    graph,
  });
  return toBinary(onnx.ModelProtoSchema, model);
}
