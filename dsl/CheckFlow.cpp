// CheckFlow.cpp - what depends on what in a checked kernel: the axes that an index varies with
// (A7), the values that nothing uses (D3), and the words for both.
#include "dsl/KernelChecker.h"
#include <algorithm>

namespace fc::dsl {

//===-- Dependences -------------------------------------------------------===//

/// Everything that `value` varies with: axes and points it mentions, and those that their ranges
/// mention.
void KernelChecker::dependence(Value value, Dependence &out, std::unordered_set<Value> &seen) {
  if (!value || !seen.insert(value).second)
    return;
  const Dependence *inner = nullptr;
  if (value->op == Op::LetRef)
    inner = &dependence(value->let);
  else if (value->op == Op::AxisRef || value->op == Op::PointRef)
    inner = &dependence(value->axis);
  else if (value->op == Op::VarRef)
    out.onVar = true;
  if (inner) {
    out.axes |= inner->axes;
    out.onVar |= inner->onVar;
  }
  for (Value operand : value->operands)
    dependence(operand, out, seen);
}

const KernelChecker::Dependence &KernelChecker::dependence(const Let *let) {
  if (auto known = letDependence.find(let); known != letDependence.end())
    return known->second;
  Dependence on;
  std::unordered_set<Value> seen;
  dependence(let->value, on, seen);
  return letDependence[let] = std::move(on);
}

const KernelChecker::Dependence &KernelChecker::dependence(const Axis *axis) {
  if (auto known = axisDependence.find(axis); known != axisDependence.end())
    return known->second;
  Dependence on;
  std::unordered_set<Value> seen;
  on.axes.set(size_t(axis->id));
  for (Value bound : {axis->lo, axis->hi, axis->upto})
    dependence(bound, on, seen);
  return axisDependence[axis] = std::move(on);
}

//===-- Constants that cannot be right ------------------------------------===//

void KernelChecker::checkIndices(const dsl::Tensor &tensor, const std::vector<Value> &indices) {
  for (size_t i = 0; i < indices.size(); ++i) {
    Value size = tensor.shape[i].size;
    if (indices[i]->op != Op::Const || !size)
      continue;
    int64_t index = indices[i]->intValue;
    bool sized = size->op == Op::Const && !tensor.shape[i].orOne;
    if (index >= 0 && !(sized && index >= size->intValue))
      continue;
    std::string text = tensor.shape[i].text;
    if (size->op == Op::Const && text != std::to_string(size->intValue))
      text += fmt::format(" ({})", size->intValue);
    error(Diag::IndexOutOfRange, indices[i]->loc, index, i + 1, tensor.name, text)
        .note(tensor.loc,
              fmt::format("`{}` is declared here: {}", tensor.name, declaration(tensor)));
  }
}

/// Mistakes that depend on what a constant is. They are looked for in what folding has kept: with
/// `where(D > 64, x[64], 0)` the writer has thought of the case.
void KernelChecker::checkConstants(Value value, std::unordered_set<Value> &seen) {
  if (!value || !seen.insert(value).second)
    return;
  if (value->op == Op::Read)
    checkIndices(*value->tensor, value->operands);
  bool divides = (value->op == Op::Div || value->op == Op::Mod) && value->elem == Elem::I64;
  if (divides && value->operands[1]->op == Op::Const && value->operands[1]->intValue == 0)
    error(Diag::DivisionByZero, value->loc, name(value->op));
  for (Value operand : value->operands)
    checkConstants(operand, seen);
}

void KernelChecker::checkConstants(const std::vector<Stmt> &body, std::unordered_set<Value> &seen) {
  for (const Stmt &stmt : body) {
    if (stmt.axis)
      for (Value bound : {stmt.axis->lo, stmt.axis->hi, stmt.axis->upto})
        checkConstants(bound, seen);
    if (stmt.let)
      checkConstants(stmt.let->value, seen);
    if (stmt.kind == Stmt::DeclareVar)
      checkConstants(stmt.var->init, seen);
    for (Value index : stmt.indices)
      checkConstants(index, seen);
    if (stmt.kind == Stmt::Store)
      checkIndices(*stmt.tensor, stmt.indices);
    if (stmt.kind == Stmt::Assume && stmt.value->op == Op::Const && !stmt.value->intValue)
      error(Diag::FalseAssumption, stmt.loc, stmt.text);
    checkConstants(stmt.value, seen);
    checkConstants(stmt.body, seen);
  }
}

void KernelChecker::checkConstants() {
  std::unordered_set<Value> seen;
  for (const dsl::Scalar *scalar : kernel.scalars)
    checkConstants(scalar->init, seen);
  for (const auto *list : {&kernel.inputs, &kernel.outputs})
    for (const dsl::Tensor *tensor : *list)
      for (const dsl::Tensor::Extent &extent : tensor->shape)
        checkConstants(extent.size, seen);
  for (const Axis *axis : kernel.grid)
    for (Value bound : {axis->lo, axis->hi, axis->upto})
      checkConstants(bound, seen);
  checkConstants(kernel.body, seen);
}

//===-- Values that nothing uses ------------------------------------------===//

void KernelChecker::markUsed(const std::vector<Stmt> &body, std::unordered_set<Value> &seen,
                             std::unordered_set<const Let *> &lets) {
  auto mark = [&](auto &self, Value value) -> void {
    if (!value || !seen.insert(value).second)
      return;
    if (value->op == Op::LetRef) {
      lets.insert(value->let);
      self(self, value->let->value);
    }
    if (value->op == Op::Read)
      const_cast<dsl::Tensor *>(value->tensor)->read = true;
    for (Value operand : value->operands)
      self(self, operand);
  };
  for (const Stmt &stmt : body) {
    if (stmt.axis)
      for (Value bound : {stmt.axis->lo, stmt.axis->hi, stmt.axis->upto})
        mark(mark, bound);
    if (stmt.var)
      mark(mark, stmt.var->init);
    for (Value index : stmt.indices)
      mark(mark, index);
    mark(mark, stmt.value);
    markUsed(stmt.body, seen, lets);
  }
}

static void eraseLets(std::vector<Stmt> &body, const std::unordered_set<const Let *> &used) {
  std::erase_if(body, [&](const Stmt &stmt) {
    return stmt.kind == Stmt::DeclareLet && !used.contains(stmt.let);
  });
  for (Stmt &stmt : body)
    eraseLets(stmt.body, used);
}

/// Sets Tensor::read, and drops the `let`s that nothing kept refers to: a tensor that only they
/// read may be null at launch (D3).
void KernelChecker::dropUnused() {
  std::unordered_set<Value> seen;
  std::unordered_set<const Let *> lets;
  markUsed(kernel.body, seen, lets);
  std::vector<Stmt> ranges;
  for (const Axis *axis : kernel.grid)
    ranges.push_back({.kind = Stmt::DeclareAxis, .axis = axis});
  markUsed(ranges, seen, lets);
  eraseLets(kernel.body, lets);
}

//===-- Words -------------------------------------------------------------===//

Reporter::Handle KernelChecker::withFrames(Reporter::Handle handle) const {
  unsigned shown = 0;
  for (const Frame *at = frame; at && shown < 4; at = at->caller, ++shown)
    handle.note(at->call, fmt::format("in the expansion of `{}` here", at->fn->name));
  return handle;
}

std::string KernelChecker::snippet(const ast::Expr &expr, size_t longest) const {
  std::string_view text = sources[size_t(expr.loc.file)].text;
  text = text.substr(expr.begin, expr.end - expr.begin);
  std::string shown;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at).starts_with("//")) // a comment within the expression
      at = std::min(text.size(), text.find('\n', at)) - 1;
    else if (text[at] != ' ' && text[at] != '\n' && text[at] != '\t' && text[at] != '\r')
      shown += text[at];
    else if (!shown.empty() && shown.back() != ' ')
      shown += ' ';
    if (shown.size() > longest)
      return shown.substr(0, longest - 3) + "...";
  }
  return shown;
}

std::string KernelChecker::listOf(const Axes &axes) {
  std::string list;
  for (const Axis *axis : axes)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", axis->name);
  return list;
}

std::string KernelChecker::over(const Axes &axes) {
  return axes.empty() ? "a scalar" : fmt::format("over ({})", listOf(axes));
}
std::string KernelChecker::over(Value value) { return over(value->axes); }

std::string KernelChecker::declaration(const dsl::Tensor &tensor) {
  std::string dims;
  for (const dsl::Tensor::Extent &extent : tensor.shape)
    dims += fmt::format("{}{}", dims.empty() ? "" : ", ", extent.text);
  return fmt::format("{}[{}]", name(tensor.elem), dims);
}

} // namespace fc::dsl
