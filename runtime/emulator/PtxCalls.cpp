// PtxCalls.cpp - see PtxCalls.h.
#include "runtime/emulator/PtxCalls.h"

#include <algorithm>
#include <fmt/format.h>

namespace fc::emu::ptx {

namespace {

/// More than any real kernel has after all its calls are expanded.
constexpr size_t mostInstructions = size_t(1) << 20, mostRegisters = size_t(1) << 21;
constexpr size_t mostCalls = size_t(1) << 14;
constexpr unsigned deepest = 64;
/// Where the `ret` of an expanded body goes: behind it.
constexpr std::string_view returnLabel = "$return";

class Expander {
public:
  Expander(Function &into, const DeviceFunctions &functions) : into(into), functions(functions) {}

  void run() {
    Function from = std::move(into);
    into = Function();
    into.name = from.name;
    into.params = from.params;
    into.requiredBlock = from.requiredBlock;
    into.maxBlock = from.maxBlock;
    into.cluster = from.cluster;
    into.line = from.line;
    into.registers = from.registers;
    into.variables = from.variables;
    into.scopeParents = from.scopeParents;
    into.branchTargets = from.branchTargets;
    std::vector<int32_t> variables(from.variables.size());
    for (size_t i = 0; i < variables.size(); ++i)
      variables[i] = int32_t(i);
    append(from, 0, 0, variables, 0);
  }

private:
  Function &into;
  const DeviceFunctions &functions;
  size_t calls = 0;
  std::unordered_map<std::string_view, int32_t>
      sharedVariables; ///< one of each, however often called

  /// Copies a body whose registers, scopes and variables are those given.
  void append(const Function &from, int32_t firstRegister, uint32_t firstScope,
              const std::vector<int32_t> &variables, unsigned depth) {
    size_t nextCall = 0;
    std::vector<uint32_t> places; // of each instruction, and of the end
    for (size_t i = 0; i < from.body.size(); ++i) {
      places.push_back(uint32_t(into.body.size()));
      if (nextCall < from.calls.size() && from.calls[nextCall].instruction == i) {
        call(from, from.calls[nextCall++], variables, depth + 1);
        continue;
      }
      Instruction inst = from.body[i];
      inst.scope += firstScope;
      if (inst.guard >= 0)
        inst.guard += firstRegister;
      for (Operand &operand : inst.operands)
        rename(operand, firstRegister, variables);
      if (depth && inst.opcode == "ret") {
        inst.opcode = "bra";
        inst.modifiers.clear();
        Operand target;
        target.kind = Operand::Kind::Symbol;
        target.name = returnLabel;
        target.variable = -1;
        inst.operands = {target};
      }
      into.body.push_back(std::move(inst));
      if (into.body.size() > mostInstructions)
        throw Error{from.line, "the calls of the function expand to too many instructions"};
    }
    places.push_back(uint32_t(into.body.size()));
    for (const Label &label : from.labels)
      into.labels.push_back({label.name, label.scope + firstScope, places[label.instruction]});
    if (depth)
      into.labels.push_back({returnLabel, firstScope, places.back()});
  }

  void call(const Function &from, const Call &call, const std::vector<int32_t> &outer,
            unsigned depth) {
    uint32_t line = from.body[call.instruction].line;
    auto found = functions.find(call.callee);
    if (found == functions.end() || (!found->second.defined && found->second.fault.empty()))
      throw Error{line, fmt::format("`{}` is called and has no body in this module", call.callee)};
    if (!found->second.defined)
      throw Error{line, fmt::format("`{}` is called: {}", call.callee, found->second.fault)};
    const Function &callee = found->second.function;
    if (depth > deepest)
      throw Error{line, fmt::format("`{}` is called more than {} deep; recursion is not supported",
                                    call.callee, deepest)};
    if (call.arguments.size() != callee.arguments.size() ||
        call.results.size() != callee.results.size())
      throw Error{line,
                  fmt::format("`{}` takes {} parameters and gives {} results, here are {} and "
                              "{}",
                              call.callee, callee.arguments.size(), callee.results.size(),
                              call.arguments.size(), call.results.size())};
    if (++calls > mostCalls || into.registers.size() + callee.registers.size() > mostRegisters)
      throw Error{line, "the calls of the function expand to too many instructions"};
    int32_t firstRegister = int32_t(into.registers.size());
    into.registers.insert(into.registers.end(), callee.registers.begin(), callee.registers.end());
    uint32_t firstScope = uint32_t(into.scopeParents.size());
    for (size_t i = 0; i < callee.scopeParents.size(); ++i)
      into.scopeParents.push_back(i ? callee.scopeParents[i] + firstScope : 0);
    for (const auto &[name, targets] : callee.branchTargets)
      into.branchTargets.emplace(name, targets);
    // Parameters and results are the caller's variables; other variables are the call's own, but
    // for shared memory.
    std::vector<int32_t> variables(callee.variables.size(), -1);
    auto bind = [&](const std::vector<int32_t> &formal, const std::vector<int32_t> &actual) {
      for (size_t i = 0; i < formal.size(); ++i) {
        int32_t variable = outer[size_t(actual[i])];
        variables[size_t(formal[i])] = variable;
        if (into.variables[size_t(variable)].bytes < callee.variables[size_t(formal[i])].bytes)
          throw Error{line, fmt::format("`{}` is smaller than `{}` of `{}`",
                                        into.variables[size_t(variable)].name,
                                        callee.variables[size_t(formal[i])].name, call.callee)};
      }
    };
    bind(callee.arguments, call.arguments);
    bind(callee.results, call.results);
    for (size_t i = 0; i < variables.size(); ++i) {
      if (variables[i] >= 0)
        continue;
      const Variable &variable = callee.variables[i];
      if (variable.space == Space::Shared) {
        auto [at, fresh] =
            sharedVariables.try_emplace(variable.name, int32_t(into.variables.size()));
        variables[i] = at->second;
        if (!fresh)
          continue;
      } else {
        variables[i] = int32_t(into.variables.size());
      }
      into.variables.push_back(variable);
    }
    append(callee, firstRegister, firstScope, variables, depth);
  }

  static void rename(Operand &operand, int32_t firstRegister,
                     const std::vector<int32_t> &variables) {
    if (operand.reg >= 0)
      operand.reg += firstRegister;
    if (operand.variable >= 0 && operand.variable < moduleVariable)
      operand.variable = variables[size_t(operand.variable)];
    for (Operand &element : operand.elements)
      rename(element, firstRegister, variables);
  }
};

} // namespace

void expandCalls(Function &function, const DeviceFunctions &functions) {
  if (!function.calls.empty())
    Expander(function, functions).run();
}

} // namespace fc::emu::ptx
