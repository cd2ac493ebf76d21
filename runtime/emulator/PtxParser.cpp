// PtxParser.cpp - recursive descent over PTX statements.
//
// Registers and variables are resolved here, scope by scope, because inline assembly reuses names
// in nested braces. What an opcode may take is the decoder's business (Opcodes.def), not the
// parser's.
#include "runtime/emulator/PtxParser.h"
#include "runtime/emulator/PtxCalls.h"

#include <algorithm>
#include <unordered_map>

namespace fc::emu::ptx {

namespace {

class Parser : DeclarationParser {
public:
  explicit Parser(ParsedModule &module) : DeclarationParser(module.source), module(module) {}

  void run() {
    parseHeader();
    while (token.kind != TokenKind::End)
      parseTopLevel();
    for (Function &entry : module.functions)
      expandCalls(entry, deviceFunctions);
  }

private:
  struct Range {
    std::string_view prefix;
    uint32_t count;
    Type type;
  };
  struct Scope {
    uint32_t id = 0;
    std::unordered_map<std::string_view, int32_t> registers;
    std::vector<Range> ranges; ///< .reg .b32 %r<10>: made one by one as they are met
    std::unordered_map<std::string_view, int32_t> variables;
  };

  ParsedModule &module;
  Function *function = nullptr;
  std::vector<Scope> scopes;
  std::unordered_map<std::string_view, int32_t> moduleVariables;
  DeviceFunctions deviceFunctions;
  uint32_t location = 0;

  //===-- module ----------------------------------------------------------------------------===//

  void parseHeader() {
    if (!atDotted("version"))
      fail(fmt::format("a module starts with `.version`, found {}", seen()));
    advance();
    if (token.kind != TokenKind::Double && token.kind != TokenKind::Integer)
      fail(fmt::format("expected a version such as `8.3`, found {}", seen()));
    std::string_view text = token.text;
    size_t dot = text.find('.');
    unsigned major = unsigned(std::atoi(std::string(text.substr(0, dot)).c_str()));
    unsigned minor = dot == std::string_view::npos
                         ? 0
                         : unsigned(std::atoi(std::string(text.substr(dot + 1)).c_str()));
    module.version = major * 10 + minor;
    if (major < 3 || major > 9 || minor > 9)
      fail(fmt::format("PTX version {} is not known; 3.0 to 9.9 are", text));
    advance();
    if (!atDotted("target"))
      fail(fmt::format("expected `.target`, found {}", seen()));
    advance();
    uint32_t targetLine = token.line;
    std::string_view target = word("a target such as `sm_80`");
    if (target.substr(0, 3) != "sm_")
      throw Error{targetLine, fmt::format("target `{}` is not known; expected `sm_NN`", target)};
    module.target = target;
    module.sm = unsigned(std::atoi(std::string(target.substr(3)).c_str()));
    module.archSpecific = target.back() == 'a' || target.back() == 'f';
    if (module.sm < 20 || module.sm > 200)
      throw Error{targetLine, fmt::format("target `{}` is not known; expected `sm_NN`", target)};
    while (accept(','))
      word("a target option");
    if (atDotted("address_size")) {
      advance();
      if (integer("an address size") != 64)
        fail("only `.address_size 64` is supported");
    }
  }

  void parseTopLevel() {
    if (accept(';'))
      return;
    if (token.kind != TokenKind::Dotted)
      fail(fmt::format("expected a directive, found {}", seen()));
    if (skipCommonDirective())
      return;
    bool external = false;
    while (atDotted("visible") || atDotted("extern") || atDotted("weak") || atDotted("common")) {
      external |= atDotted("extern");
      advance();
    }
    if (atDotted("entry")) {
      parseEntry();
    } else if (atDotted("func")) {
      parseDeviceFunction();
    } else if (token.kind == TokenKind::Dotted && isSpaceWord(token.text)) {
      parseVariables(module.variables, moduleVariables, external, true);
    } else {
      fail(fmt::format("directive `.{}` is not known here", token.text));
    }
  }

  /// Directives that may stand anywhere and change nothing that is executed.
  bool skipCommonDirective() {
    if (atDotted("file")) {
      advance();
      uint32_t index = small("a file number");
      if (token.kind != TokenKind::String)
        fail(fmt::format("expected a file name, found {}", seen()));
      module.files[index] = std::string(token.text);
      advance();
      while (accept(',')) // time stamp and size
        integer("a number");
      return true;
    }
    if (atDotted("loc")) {
      advance();
      Location here;
      here.file = small("a file number");
      here.line = small("a line number");
      here.column = small("a column number");
      while (accept(',')) { // function_name LABEL {+ n}, inlined_at F L C
        std::string_view attribute = word("`function_name` or `inlined_at`");
        if (attribute == "inlined_at") {
          small("a file number"), small("a line number"), small("a column number");
        } else {
          word("a label");
          if (accept('+'))
            integer("an offset");
        }
      }
      module.locations.push_back(here);
      location = uint32_t(module.locations.size() - 1);
      return true;
    }
    if (atDotted("section")) {
      advance();
      if (token.kind == TokenKind::Dotted || token.kind == TokenKind::Word)
        advance();
      if (!token.is('{'))
        fail(fmt::format("expected `{{`, found {}", seen()));
      lexer.skipBraces();
      advance();
      return true;
    }
    if (atDotted("pragma")) {
      advance();
      while (!token.is(';') && token.kind != TokenKind::End)
        advance();
      expect(';');
      return true;
    }
    if (atDotted("alias")) {
      while (!token.is(';') && token.kind != TokenKind::End)
        advance();
      expect(';');
      return true;
    }
    return false;
  }

  void skipFunction() {
    uint32_t line = token.line;
    while (!token.is('{') && !token.is(';') && token.kind != TokenKind::End)
      advance();
    if (token.kind == TokenKind::End)
      throw Error{line, "a `.func` has neither a body nor a `;`"};
    if (token.is('{'))
      lexer.skipBraces();
    advance();
  }

  /// .func {(results)} name {(parameters)} {directives} and a body or `;`. What is wrong with it
  /// matters only if it is called.
  void parseDeviceFunction() {
    advance();
    Lexer lexerHere = lexer;
    Token tokenHere = token;
    Function callee;
    callee.line = token.line;
    function = &callee;
    scopes.clear();
    openScope();
    location = 0;
    std::string_view name;
    try {
      if (accept('('))
        parseFormals(callee.results);
      callee.name = name = word("a function's name");
      if (accept('('))
        parseFormals(callee.arguments);
      while (token.kind == TokenKind::Dotted)
        parsePerformanceDirective(callee);
      if (accept(';')) { // a declaration only
        deviceFunctions[name];
      } else {
        expect('{');
        parseBody();
        deviceFunctions[name] = {std::move(callee), true, ""};
      }
    } catch (const Error &error) {
      deviceFunctions[name].fault = fmt::format("line {}: {}", error.line, error.message);
      lexer = lexerHere;
      token = tokenHere;
      skipFunction();
    }
    function = nullptr;
  }

  /// .param declarations up to the `)`: local memory of whoever calls.
  void parseFormals(std::vector<int32_t> &formals) {
    while (!token.is(')')) {
      if (!atDotted("param"))
        fail(fmt::format("expected `.param`, found {}", seen()));
      advance();
      Variable variable = parseVariableHead(Space::Local);
      parseVariableName(variable, false);
      int32_t index = int32_t(function->variables.size());
      if (!scopes[0].variables.emplace(variable.name, index).second)
        fail(fmt::format("`{}` is declared twice", variable.name));
      formals.push_back(index);
      function->variables.push_back(std::move(variable));
      if (!token.is(')'))
        expect(',');
    }
    advance();
  }

  //===-- variables -------------------------------------------------------------------------===//

  void parseVariables(std::vector<Variable> &into,
                      std::unordered_map<std::string_view, int32_t> &names, bool external,
                      bool atModule) {
    Space space = spaceOf(token.text);
    if (!atModule && space == Space::Param)
      space = Space::Local; // of a call
    advance();
    Variable head = parseVariableHead(space);
    do {
      Variable variable = head;
      parseVariableName(variable, external);
      int32_t index = int32_t(into.size()) + (atModule ? moduleVariable : 0);
      if (!names.emplace(variable.name, index).second)
        fail(fmt::format("`{}` is declared twice", variable.name));
      into.push_back(std::move(variable));
    } while (accept(','));
    expect(';');
  }

  //===-- functions -------------------------------------------------------------------------===//

  void parseEntry() {
    advance();
    Function entry;
    entry.line = token.line;
    entry.name = word("a kernel's name");
    for (const Function &other : module.functions)
      if (other.name == entry.name)
        fail(fmt::format("entry `{}` is defined twice", entry.name));
    function = &entry;
    scopes.clear();
    openScope();
    location = 0;
    if (accept('(')) {
      if (!token.is(')')) {
        do {
          if (!atDotted("param"))
            fail(fmt::format("expected `.param`, found {}", seen()));
          advance();
          Variable param = parseVariableHead(Space::Param);
          parseVariableName(param, false);
          if (!scopes[0].variables.emplace(param.name, -1 - int32_t(entry.params.size())).second)
            fail(fmt::format("`{}` is declared twice", param.name));
          entry.params.push_back(std::move(param));
        } while (accept(','));
      }
      expect(')');
    }
    while (token.kind == TokenKind::Dotted)
      parsePerformanceDirective(entry);
    if (accept(';')) { // a declaration only
      function = nullptr;
      return;
    }
    expect('{');
    parseBody();
    function = nullptr;
    module.functions.push_back(std::move(entry));
  }

  void parsePerformanceDirective(Function &entry) {
    if (skipCommonDirective())
      return;
    std::string_view name = token.text;
    std::array<uint32_t, 3> values{1, 1, 1};
    advance();
    if (name == "explicitcluster" || name == "noreturn" || name == "blocksareclusters")
      return;
    unsigned n = 0;
    do {
      if (n == 3)
        fail(fmt::format("`.{}` takes at most three numbers", name));
      values[n++] = small("a number");
    } while (accept(','));
    if (name == "reqntid")
      entry.requiredBlock = values;
    else if (name == "maxntid")
      entry.maxBlock = values;
    else if (name == "reqnctapercluster")
      entry.cluster = values;
    else if (name != "minnctapersm" && name != "maxnctapersm" && name != "maxnreg" &&
             name != "maxclusterrank")
      fail(fmt::format("directive `.{}` is not known here", name));
  }

  void openScope() {
    if (scopes.size() >= maxNesting)
      fail("braces are nested too deeply");
    function->scopeParents.push_back(scopes.empty() ? 0 : scopes.back().id);
    scopes.emplace_back();
    scopes.back().id = uint32_t(function->scopeParents.size() - 1);
  }

  void parseBody() {
    while (!scopes.empty()) {
      if (token.kind == TokenKind::End)
        fail(fmt::format("the body of `{}` is never closed", function->name));
      if (accept('{')) {
        openScope();
      } else if (token.is('}')) {
        scopes.pop_back();
        advance();
      } else {
        parseStatement();
      }
    }
  }

  void parseStatement() {
    if (accept(';') || (token.kind == TokenKind::Dotted && skipCommonDirective()))
      return;
    if (atDotted("reg"))
      return parseRegisters();
    if (token.kind == TokenKind::Dotted && isSpaceWord(token.text))
      return parseVariables(function->variables, scopes.back().variables, false, false);
    if (token.kind == TokenKind::Dotted)
      fail(fmt::format("directive `.{}` is not known here", token.text));
    if (token.kind == TokenKind::Word) {
      Token first = token;
      advance();
      if (accept(':')) {
        for (const Label &label : function->labels)
          if (label.name == first.text && label.scope == scopes.back().id)
            throw Error{first.line, fmt::format("label `{}` is defined twice", first.text)};
        if (atDotted("branchtargets"))
          return parseBranchTargets(first.text);
        function->labels.push_back({first.text, scopes.back().id, uint32_t(function->body.size())});
        return;
      }
      return parseInstruction(first, -1, false);
    }
    if (token.is('@')) {
      uint32_t line = token.line;
      advance();
      bool negated = accept('!');
      std::string_view name = word("a predicate");
      int32_t guard = findRegister(name);
      if (guard < 0)
        throw Error{line, fmt::format("predicate `{}` is not declared", name)};
      if (function->registers[guard].type != Type::Pred)
        throw Error{line, fmt::format("guard `{}` is .{}, not .pred", name,
                                      nameOf(function->registers[guard].type))};
      if (token.kind != TokenKind::Word)
        fail(fmt::format("expected an instruction, found {}", seen()));
      Token first = token;
      advance();
      return parseInstruction(first, guard, negated);
    }
    fail(fmt::format("expected an instruction, found {}", seen()));
  }

  void parseBranchTargets(std::string_view name) {
    advance();
    std::vector<std::string_view> targets;
    do {
      targets.push_back(word("a label"));
    } while (accept(','));
    expect(';');
    if (!function->branchTargets.emplace(name, std::move(targets)).second)
      fail(fmt::format("`{}` is declared twice", name));
  }

  void parseRegisters() {
    advance();
    if (token.kind == TokenKind::Dotted && (token.text == "v2" || token.text == "v4"))
      fail("vector registers are not supported");
    if (token.kind != TokenKind::Dotted || typeOf(token.text) == Type::None)
      fail(fmt::format("expected a register type, found {}", seen()));
    Type type = typeOf(token.text);
    if (type != Type::Pred && bitsOf(type) < 16 && bitsOf(type) != 8)
      fail(fmt::format("registers of type `.{}` do not exist", token.text));
    advance();
    do {
      std::string_view name = word("a register name");
      if (accept('<')) {
        uint32_t count = small("a number of registers");
        if (count > maxRegisterRange)
          fail(fmt::format("{} registers are more than {}", count, maxRegisterRange));
        scopes.back().ranges.push_back({name, count, type});
        expect('>');
      } else if (!scopes.back().registers.emplace(name, addRegister(name, type)).second) {
        fail(fmt::format("register `{}` is declared twice", name));
      }
    } while (accept(','));
    expect(';');
  }

  int32_t addRegister(std::string_view name, Type type) {
    function->registers.push_back({name, type});
    return int32_t(function->registers.size() - 1);
  }

  int32_t findRegister(std::string_view name) {
    for (size_t s = scopes.size(); s-- > 0;) {
      Scope &scope = scopes[s];
      if (auto found = scope.registers.find(name); found != scope.registers.end())
        return found->second;
      if (scope.variables.count(name))
        return -1;
      for (const Range &range : scope.ranges) {
        size_t n = range.prefix.size();
        if (name.size() <= n || name.size() > n + 8 || name.substr(0, n) != range.prefix)
          continue;
        std::string_view digits = name.substr(n);
        if (digits.size() > 1 && digits[0] == '0')
          continue;
        uint32_t index = 0;
        bool number = std::all_of(digits.begin(), digits.end(), [&](char c) {
          index = index * 10 + uint32_t(c - '0');
          return c >= '0' && c <= '9';
        });
        if (!number || index >= range.count)
          continue;
        int32_t reg = addRegister(name, range.type);
        scope.registers.emplace(name, reg);
        return reg;
      }
    }
    return -1;
  }

  //===-- instructions ----------------------------------------------------------------------===//

  void parseInstruction(const Token &opcode, int32_t guard, bool negated) {
    Instruction instruction;
    instruction.opcode = opcode.text;
    instruction.guard = guard;
    instruction.guardNegated = negated;
    instruction.line = opcode.line;
    instruction.location = location;
    instruction.scope = scopes.back().id;
    for (; token.kind == TokenKind::Dotted; advance())
      instruction.modifiers.push_back(token.text);
    if (instruction.opcode == "call") {
      if (guard >= 0)
        throw Error{opcode.line, "a `call` under a predicate is not supported"};
      parseCall();
    } else if (!token.is(';')) {
      do {
        instruction.operands.push_back(parseOperand(0));
      } while (accept(','));
    }
    if (!token.is(';'))
      fail(fmt::format("expected `,` or `;`, found {}", seen()));
    const char *end = token.text.data();
    instruction.text = {opcode.text.data(), size_t(end - opcode.text.data())};
    advance();
    useLocalParameters(instruction);
    function->body.push_back(std::move(instruction));
  }

  /// call{.uni} {(results),} name {, (arguments)};
  void parseCall() {
    Call call;
    call.instruction = uint32_t(function->body.size());
    if (accept('(')) {
      parseActuals(call.results);
      expect(',');
    }
    if (token.kind != TokenKind::Word || findRegister(token.text) >= 0)
      fail("only a function that is named can be called");
    call.callee = word("a function's name");
    if (accept(',')) {
      expect('(');
      parseActuals(call.arguments);
    }
    function->calls.push_back(std::move(call));
  }

  void parseActuals(std::vector<int32_t> &variables) {
    while (!token.is(')')) {
      std::string_view name = word("a `.param` variable");
      int32_t variable = findVariable(name);
      if (variable < 0 || variable >= moduleVariable)
        fail(fmt::format("`{}` is no `.param` variable of this body", name));
      variables.push_back(variable);
      if (!token.is(')'))
        expect(',');
    }
    advance();
  }

  /// Parameters of calls are local memory, so `ld.param` and `st.param` of them are of that.
  void useLocalParameters(Instruction &inst) {
    if (inst.opcode != "ld" && inst.opcode != "st")
      return;
    for (const Operand &operand : inst.operands)
      if (operand.kind == Operand::Kind::Address && operand.elements.size() == 1 &&
          operand.elements[0].kind == Operand::Kind::Symbol && operand.elements[0].variable >= 0 &&
          operand.elements[0].variable < moduleVariable)
        std::replace(inst.modifiers.begin(), inst.modifiers.end(), std::string_view("param"),
                     std::string_view("local"));
  }

  Operand parseOperand(unsigned depth) {
    if (depth > 3)
      fail("an operand is nested too deeply");
    Operand operand;
    if (accept('!')) {
      operand = parseOperand(depth + 1);
      operand.negated = !operand.negated;
      return operand;
    }
    if (accept('{')) {
      operand.kind = Operand::Kind::Vector;
      if (!token.is('}')) {
        do {
          operand.elements.push_back(parseOperand(depth + 1));
        } while (accept(','));
      }
      expect('}');
    } else if (accept('[')) {
      operand.kind = Operand::Kind::Address;
      operand.elements.push_back(parseOperand(depth + 1));
      // [map, {c0, c1}] is how tensor copies address; the coordinates follow as elements.
      while (accept(','))
        operand.elements.push_back(parseOperand(depth + 1));
      expect(']');
    } else {
      operand = parsePlain();
    }
    if (token.is('|') && depth == 0) {
      advance();
      Operand pair;
      pair.kind = Operand::Kind::Pair;
      pair.elements.push_back(std::move(operand));
      pair.elements.push_back(parsePlain());
      return pair;
    }
    return operand;
  }

  /// A register, constant or symbol, with an offset that is folded into `bits`.
  Operand parsePlain() {
    Operand operand;
    if (token.kind == TokenKind::Word) {
      std::string_view name = token.text;
      uint32_t line = token.line;
      advance();
      if (name == "_") {
        operand.kind = Operand::Kind::Sink;
        return operand;
      }
      if (name == "WARP_SZ") {
        operand.bits = 32;
        return operand;
      }
      if (int32_t reg = findRegister(name); reg >= 0) {
        operand.kind = Operand::Kind::Register;
        operand.reg = reg;
        operand.name = name;
        operand.bits = parseOffset();
        return operand;
      }
      if (isSpecialRegister(name)) {
        operand.kind = Operand::Kind::Special;
        operand.name = name;
        if (isDimensioned(name)) {
          if (!atDotted("x") && !atDotted("y") && !atDotted("z"))
            fail(fmt::format("`{}` needs `.x`, `.y` or `.z`", name));
          operand.name = {name.data(), size_t(token.text.data() + 1 - name.data())};
          advance();
        }
        return operand;
      }
      if (name[0] == '%')
        throw Error{line, fmt::format("register `{}` is not declared", name)};
      operand.kind = Operand::Kind::Symbol;
      operand.name = name;
      operand.variable = findVariable(name);
      operand.bits = parseOffset();
      return operand;
    }
    bool minus = accept('-'), invert = !minus && accept('~');
    if (!minus)
      accept('+');
    switch (token.kind) {
    case TokenKind::Integer:
      operand.kind = Operand::Kind::Integer;
      operand.bits = minus ? 0 - token.bits : invert ? ~token.bits : token.bits;
      break;
    case TokenKind::Single:
      operand.kind = Operand::Kind::Single;
      operand.bits = minus ? token.bits ^ 0x80000000u : token.bits;
      break;
    case TokenKind::Double:
      operand.kind = Operand::Kind::Double;
      operand.bits = minus ? token.bits ^ (uint64_t(1) << 63) : token.bits;
      break;
    default:
      fail(fmt::format("expected an operand, found {}", seen()));
    }
    advance();
    return operand;
  }

  uint64_t parseOffset() {
    uint64_t offset = 0;
    while (token.is('+') || token.is('-')) {
      bool minus = token.is('-');
      advance();
      minus ^= accept('-');
      uint64_t bits = integer("an offset");
      offset += minus ? 0 - bits : bits;
    }
    return offset;
  }

  /// Function variables as they are, parameters as -2 - index, unknown -1 (a label, then).
  int32_t findVariable(std::string_view name) {
    for (size_t s = scopes.size(); s-- > 0;)
      if (auto found = scopes[s].variables.find(name); found != scopes[s].variables.end())
        return found->second < 0 ? found->second - 1 : found->second;
    auto found = moduleVariables.find(name);
    return found == moduleVariables.end() ? -1 : found->second;
  }
};

} // namespace

ParsedModule parse(std::string_view text, std::string_view name) {
  ParsedModule module;
  module.source = text;
  module.name = name;
  Parser(module).run();
  return module;
}

} // namespace fc::emu::ptx
