// InterpreterScalars.h - the arithmetic of single elements
#pragma once
#include "test/compiler/Interpreter.h"

namespace fc::test {

/// The result of a scalar operation, from its operands. Null for one that is not known.
using ScalarFunction = std::function<Number(llvm::ArrayRef<Number>)>;
ScalarFunction scalarFunction(mlir::Operation *op);

/// Whether an operation carries `fastmath<nnan>`.
bool assumesNoNaN(mlir::Operation *op);

/// What a reduction over nothing gives (language S1), and two values reduced.
Number identityNumber(ReduceKind kind, mlir::Type element);
Number combineNumbers(ReduceKind kind, mlir::Type element, Number a, Number b);

} // namespace fc::test
