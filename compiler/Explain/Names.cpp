// Names.cpp - places of the text, by line and column
#include "compiler/Explain/Names.h"
#include "dsl/DumpAst.h"

using namespace mlir;

namespace fc::explain {

using dsl::Expr;
using dsl::Op;

Names::Names(const dsl::Program &program, const dsl::Kernel &kernel)
    : program(program), text(kernel) {
  for (const dsl::CParam &param : kernel.cparams)
    taken.insert(param.name);
  for (const dsl::Dim *dim : kernel.dims)
    taken.insert(dim->name);
  for (const auto *list : {&kernel.inputs, &kernel.outputs})
    for (const dsl::Tensor *tensor : *list)
      taken.insert(tensor->name);
  for (const dsl::Scalar *scalar : kernel.scalars)
    taken.insert(scalar->name);
  for (const dsl::Axis *axis : kernel.axes)
    taken.insert(axis->name);
  visit(kernel.body);
}

static const Expr *withoutWidening(const Expr *expr) {
  while (expr->op == Op::Cast && expr->implicit)
    expr = expr->operands[0];
  return expr;
}

void Names::visit(const Expr *expr) {
  if (!expr || !seen.insert(expr).second)
    return;
  for (const Expr *operand : expr->operands)
    visit(operand);
  if (expr->let)
    visit(expr->let->value);
  if (expr->op == Op::Cast && expr->implicit)
    return;
  // A use of a name says less than what it stands for.
  const Expr *&slot = exprs[keyOf(expr->loc)];
  if (!slot || slot->op == Op::LetRef)
    slot = expr;
}

void Names::visit(const std::vector<dsl::Stmt> &stmts) {
  for (const dsl::Stmt &stmt : stmts) {
    for (const Expr *index : stmt.indices)
      visit(index);
    visit(stmt.value);
    if (stmt.let) {
      taken.insert(stmt.let->name);
      visit(stmt.let->value);
      const Expr *value = withoutWidening(stmt.let->value);
      if (value->op != Op::Softmax && value->op != Op::LogSumExp && value->op != Op::LetRef)
        lets.emplace(keyOf(value->loc), stmt.let);
    }
    if (stmt.var) {
      taken.insert(stmt.var->name);
      visit(stmt.var->init);
    }
    if (stmt.kind == dsl::Stmt::Store || stmt.kind == dsl::Stmt::Set)
      statements.emplace(keyOf(stmt.loc), &stmt);
    visit(stmt.body);
  }
}

std::optional<Names::Key> Names::keyOf(Location location) const {
  if (auto place = dyn_cast<FileLineColLoc>(location))
    return Key{place.getFilename().str(), place.getLine(), place.getColumn()};
  if (auto fused = dyn_cast<FusedLoc>(location)) {
    for (Location part : fused.getLocations())
      if (auto key = keyOf(part))
        return key;
  } else if (auto named = dyn_cast<NameLoc>(location)) {
    return keyOf(named.getChildLoc());
  } else if (auto call = dyn_cast<CallSiteLoc>(location)) {
    return keyOf(call.getCallee());
  }
  return std::nullopt;
}

Names::Key Names::keyOf(dsl::Loc loc) const {
  return {program.files[loc.file].path, loc.line, loc.col};
}

template <class T>
static T lookup(const std::map<std::tuple<std::string, unsigned, unsigned>, T> &map,
                const std::optional<std::tuple<std::string, unsigned, unsigned>> &key) {
  auto it = key ? map.find(*key) : map.end();
  return it == map.end() ? nullptr : it->second;
}

const Expr *Names::exprAt(Location location) const { return lookup(exprs, keyOf(location)); }
const dsl::Let *Names::letAt(Location location) const { return lookup(lets, keyOf(location)); }
const dsl::Stmt *Names::statementAt(Location location) const {
  return lookup(statements, keyOf(location));
}

std::string Names::target(const dsl::Stmt &store) {
  if (!store.tensor)
    return store.var->name;
  std::string indices;
  for (const Expr *index : store.indices)
    indices += (indices.empty() ? "" : ", ") + dsl::formula(*index);
  return store.tensor->name + "[" + indices + "]";
}

Quote Names::quote(Location location, llvm::StringRef words) const {
  Quote quote{words.str(), "", 0};
  const Expr *expr = exprAt(location);
  if (words.empty() && expr)
    quote.text = dsl::formula(*expr);
  if (auto key = keyOf(location)) {
    quote.line = std::get<1>(*key);
    if (std::get<0>(*key) != program.files[0].path)
      quote.file = std::get<0>(*key);
  }
  return quote;
}

Quote Names::quote(dsl::Loc loc, std::string words) const {
  return {std::move(words), loc.file == 0 ? "" : program.files[loc.file].path, loc.line};
}

} // namespace fc::explain
