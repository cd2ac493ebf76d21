// Entry.cpp - the function of a kernel: parameters, grid coordinates, what the manifest is written
// from
//
// Parameters in the kernel's order: of each tensor that is used its pointer, then its strides (64
// bits, elements) of all dimensions but the last (of the last too where its extent may be 1);
// scalars; then the dimensions that are used (32 bits). One CTA has one number, cut into the
// program's coordinates, the last axis fastest.
#include "compiler/Transforms/Schedules.h"
#include "compiler/Transforms/Threads/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace fc {

namespace {

/// One parameter of the entry, as the manifest's `args` say it.
struct Parameter {
  enum Kind { Pointer, Stride, Scalar, Dim } kind;
  std::string text;
  Type type;
  unsigned argument = 0; ///< of the kernel
  std::string dim;
};

SmallVector<Parameter> parametersOf(KernelOp kernel) {
  SmallVector<Parameter> parameters;
  MLIRContext *context = kernel.getContext();
  Type i32 = IntegerType::get(context, 32), i64 = IntegerType::get(context, 64);
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    unsigned number = argument.getArgNumber();
    std::string name = cast<StringAttr>(kernel.getParams()[number]).str();
    if (argument.use_empty())
      continue;
    auto tensor = dyn_cast<TensorType>(argument.getType());
    if (!tensor) {
      Type type = argument.getType();
      if (type.isInteger(1))
        type = IntegerType::get(context, 8);
      parameters.push_back({Parameter::Scalar, "scalar:" + name, type, number, ""});
      continue;
    }
    parameters.push_back(
        {Parameter::Pointer, "tensor:" + name, LLVM::LLVMPointerType::get(context, 1), number, ""});
    for (int64_t dim = 0; dim < tensor.rank(); ++dim)
      if (dim + 1 < tensor.rank() || tensor.orOne(dim))
        parameters.push_back(
            {Parameter::Stride, "stride:" + name + ":" + std::to_string(dim), i64, number, ""});
  }
  llvm::MapVector<StringRef, bool> dims;
  kernel.walk([&](DimOp dim) {
    if (!dim->use_empty())
      dims[dim.getName()] = true;
  });
  for (auto &[name, used] : dims)
    parameters.push_back({Parameter::Dim, ("dim:" + name).str(), i32, 0, name.str()});
  return parameters;
}

/// The schedule and what was expected of it, as the manifest reports them.
std::string scheduleText(KernelOp kernel) {
  std::string text = "{";
  auto add = [&](const Twine &name, int64_t value) {
    text += (text.size() > 1 ? ", \"" : "\"") + name.str() + "\": " + std::to_string(value);
  };
  ScheduleAttr schedule = *kernel.getSchedule();
  for (auto [axis, size] : llvm::zip(schedule.getAxes(), schedule.getSizes()))
    add(axis.getValue(), size);
  add("warps", schedule.getWarps());
  add("stages", schedule.getStages());
  if (schedule.getCtas() > 1)
    add("ctas", schedule.getCtas());
  if (schedule.getParts() > 1)
    add(Twine("split:") + schedule.getSplitAxis().getValue(), schedule.getParts());
  if (auto estimate = kernel->getAttrOfType<DictionaryAttr>(kEstimateAttr))
    for (NamedAttribute each : estimate)
      add(each.getName().getValue(), cast<IntegerAttr>(each.getValue()).getInt());
  return text + "}";
}

} // namespace

std::string manifestExpression(Value value, ArrayRef<StringRef> names) {
  auto quoted = [](StringRef name) { return "\"" + name.str() + "\""; };
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getArgNumber() < names.size() ? quoted(names[argument.getArgNumber()]) : "";
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast<DimOp>(op))
    return quoted(dim.getName());
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto integer = dyn_cast<IntegerAttr>(constant.getValue());
    return integer ? std::to_string(integer.getInt()) : "";
  }
  SmallVector<std::string> operands;
  for (Value operand : op->getOperands())
    if (operands.emplace_back(manifestExpression(operand, names)).empty())
      return "";
  auto call = [&](StringRef name) {
    return "[" + quoted(name) + ", " + llvm::join(operands, ", ") + "]";
  };
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case<arith::AddIOp>([&](auto) { return call("+"); })
      .Case<arith::SubIOp>([&](auto) { return call("-"); })
      .Case<arith::MulIOp>([&](auto) { return call("*"); })
      .Case<arith::FloorDivSIOp, arith::DivUIOp, arith::DivSIOp>([&](auto) { return call("/"); })
      .Case<arith::RemUIOp>([&](auto) { return call("%"); })
      .Case<arith::MaxSIOp>([&](auto) { return call("max"); })
      .Case<arith::MinSIOp>([&](auto) { return call("min"); })
      .Case<arith::CeilDivSIOp>([&](auto) {
        return "[\"/\", [\"+\", " + operands[0] + ", [\"-\", " + operands[1] + ", 1]], " +
               operands[1] + "]";
      })
      .Case<arith::SelectOp>([&](auto) { return call("where"); })
      .Case([&](arith::CmpIOp compare) -> std::string {
        switch (compare.getPredicate()) {
        case arith::CmpIPredicate::eq:
          return call("==");
        case arith::CmpIPredicate::ne:
          return call("!=");
        case arith::CmpIPredicate::slt:
          return call("<");
        case arith::CmpIPredicate::sle:
          return call("<=");
        case arith::CmpIPredicate::sgt:
          return call(">");
        case arith::CmpIPredicate::sge:
          return call(">=");
        default:
          return "";
        }
      })
      .Case<arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp>([&](auto) { return operands[0]; })
      .Default([](Operation *) { return std::string(); });
}

std::string gridExpression(KernelOp kernel) {
  ProgramOp program = kernel.program();
  SmallVector<StringRef> names;
  for (Attribute name : kernel.getParams())
    names.push_back(cast<StringAttr>(name).getValue());
  std::string grid;
  for (int axis = int(program.getAxes().size()) - 1; axis >= 0; --axis) {
    Value extent = program.getExtents()[axis];
    StringRef name = cast<StringAttr>(program.getAxes()[axis]).getValue();
    int64_t size = program.getTiles()[axis] ? kernel.getSchedule()->size(name) : 1;
    std::string expression = manifestExpression(extent, names);
    if (expression.empty())
      return "";
    if (size > 1)
      expression = "[\"/\", [\"+\", " + expression + ", " + std::to_string(size - 1) + "], " +
                   std::to_string(size) + "]";
    // An empty range may be negative; dimensions are not.
    if (!extent.getDefiningOp<DimOp>())
      expression = "[\"max\", " + expression + ", 0]";
    grid = grid.empty() ? expression : "[\"*\", " + expression + ", " + grid + "]";
  }
  return grid.empty() ? "1" : grid;
}

LLVM::LLVMFuncOp Lowering::declare(KernelOp kernel) {
  OpBuilder builder(kernel);
  SmallVector<Type> types;
  SmallVector<StringRef> texts;
  SmallVector<Parameter> parameters = parametersOf(kernel);
  for (Parameter &parameter : parameters) {
    types.push_back(parameter.type);
    texts.push_back(parameter.text);
  }
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(kernel.getContext()), types);
  auto function = LLVM::LLVMFuncOp::create(builder, kernel.getLoc(), kernel.getSymName(), type);
  function->setAttr("nvvm.kernel", builder.getUnitAttr());
  int32_t threads = kernel.threads();
  function->setAttr("nvvm.reqntid", builder.getDenseI32ArrayAttr({threads, 1, 1}));
  // ptxas otherwise aims at an occupancy of its own choice and spills a few registers for it.
  function->setAttr("nvvm.minctasm",
                    builder.getI32IntegerAttr(int32_t(kernel.getSchedule()->getCtas())));
  auto of = kernel->getAttrOfType<StringAttr>(kVariantOfAttr);
  function->setAttr("fc.kernel", of ? of : builder.getStringAttr(kernel.getSymName()));
  for (StringRef name : {kVariantAttr, kRequiresAttr, kConditionAttr})
    if (Attribute attribute = kernel->getAttr(name))
      function->setAttr(name, attribute);
  function->setAttr("fc.args", builder.getStrArrayAttr(texts));
  function->setAttr("fc.block", builder.getI64IntegerAttr(threads));
  auto bytes = kernel->getAttrOfType<IntegerAttr>("fc.shared_bytes");
  function->setAttr("fc.shared", builder.getI64IntegerAttr(bytes ? bytes.getInt() : 0));
  function->setAttr("fc.schedule", builder.getStringAttr(scheduleText(kernel)));
  // Outputs overlap no input (language A7), and nothing else writes.
  for (auto [i, parameter] : llvm::enumerate(parameters))
    if (parameter.kind == Parameter::Pointer) {
      function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), builder.getUnitAttr());
      if (parameter.argument < kernel.getParams().size() - kernel.getOutputs())
        function.setArgAttr(i, LLVM::LLVMDialect::getReadonlyAttrName(), builder.getUnitAttr());
    }
  function.addEntryBlock(builder);
  return function;
}

Lowering::Lowering(KernelOp kernel, LLVM::GlobalOp shared)
    : kernel(kernel), shared(shared), function(declare(kernel)), emit(function),
      warps(kernel.getSchedule()->getWarps()) {
  for (Attribute name : kernel.getParams())
    names.push_back(cast<StringAttr>(name).getValue());
}

void Lowering::bindParameters() {
  unsigned outputs = names.size() - kernel.getOutputs();
  for (auto [i, parameter] : llvm::enumerate(parametersOf(kernel))) {
    Value value = function.getArgument(i);
    if (parameter.kind == Parameter::Dim) {
      dims[parameter.dim] = value;
      continue;
    }
    Value argument = kernel.getBody().getArgument(parameter.argument);
    if (parameter.kind == Parameter::Scalar) {
      if (argument.getType().isInteger(1))
        value = emit.once(
            [&] { return emit.cmp(LLVM::ICmpPredicate::ne, value, emit.constant(emit.i8, 0)); });
      values[argument] = {value};
    } else if (parameter.kind == Parameter::Pointer) {
      Tensor &tensor = tensors[argument];
      tensor.base = value;
      tensor.strides.assign(cast<TensorType>(argument.getType()).rank(), Value());
      if (parameter.argument >= outputs)
        tensor.present = emit.once([&]() -> Value {
          Value null = emit.zero(emit.globalPointer);
          return LLVM::ICmpOp::create(emit.builder, emit.loc, LLVM::ICmpPredicate::ne, value, null);
        });
    } else {
      int64_t dim = 0;
      StringRef(parameter.text).rsplit(':').second.getAsInteger(10, dim);
      tensors[argument].strides[dim] = value;
    }
  }
}

LogicalResult Lowering::enterProgram() {
  ProgramOp program = kernel.program();
  Value rest = emit.intrinsic("llvm.nvvm.read.ptx.sreg.ctaid.x", emit.i32, {});
  Block &body = program.getBody().front();
  for (int axis = int(program.getAxes().size()) - 1; axis >= 0; --axis) {
    Value extent = program.getExtents()[axis];
    StringRef name = cast<StringAttr>(program.getAxes()[axis]).getValue();
    int64_t size = program.getTiles()[axis] ? kernel.getSchedule()->size(name) : 1;
    if (size < 1)
      return program.emitError("has the tile axis `")
             << name << "`, which the schedule gives no size";
    if (manifestExpression(extent, names).empty())
      return program.emitError("has an extent along `")
             << name << "` that is no expression of dimensions and scalars";
    Value count = scalar(extent);
    if (size > 1)
      count = emit.udiv(emit.add(count, emit.constant(size - 1)), size);
    Value at = rest;
    if (axis > 0) {
      at = LLVM::URemOp::create(emit.builder, emit.loc, rest, count);
      rest = LLVM::UDivOp::create(emit.builder, emit.loc, rest, count);
    }
    values[body.getArgument(axis)] = {emit.mul(at, size)};
  }
  function->setAttr("fc.grid", emit.builder.getStringAttr(gridExpression(kernel)));
  return success();
}

LogicalResult Lowering::run() {
  bindParameters();
  for (Operation &op : kernel.getBody().front()) {
    emit.at(op.getLoc());
    auto program = dyn_cast<ProgramOp>(op);
    if (!program) {
      if (failed(lower(&op)))
        return failure();
      continue;
    }
    if (failed(enterProgram()) || failed(lower(program.getBody().front())))
      return failure();
  }
  emit.at(kernel.getLoc());
  emit.finish();
  return success();
}

} // namespace fc
