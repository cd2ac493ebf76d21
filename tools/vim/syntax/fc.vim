" Vim syntax file for .fc, the tile language of FlashCore.
" test/dsl/EditorsTest.cpp compares its words with those of the language.
if exists("b:current_syntax")
  finish
endif

syn keyword fcDeclaration kernel fn use grid axis tile let var assume schedule type
syn keyword fcControl     for in upto by return
syn keyword fcWordOp      and or not as
syn keyword fcConstant    inf true false
syn keyword fcType        int f32 f16 bf16 f8e4m3 f8e5m2 i8 u8 i16 i32 u32 i64 bool
syn keyword fcReduction   dot sum any all softmax logsumexp cumsum
syn keyword fcFunction    max min clamp abs exp exp2 log log2 tanh sigmoid sqrt rsqrt floor where bit random
syn keyword fcSchedule    split walks warps stages ctas contained

syn match  fcDimension    "\<[A-Z]\w*\>"
syn match  fcNumber       "\<\d\+\(\.\d\+\)\?\([eE][+-]\?\d\+\)\?\>"
syn match  fcOperator     "->\|\.\.\|[<>=!]=\|[-+*/%<>=?]"
syn match  fcName         "\(\<\(kernel\|fn\)\s\+\)\@<=\w\+"
syn region fcString       start=+"+ end=+"+ oneline
syn region fcScheduleBody start="\(\<schedule\>[^{]*\)\@<={" end="}" contains=fcSchedule,fcDeclaration,fcNumber,fcComment,fcOperator,fcDimension
syn match  fcComment      "//.*$"

hi def link fcDeclaration Statement
hi def link fcControl     Repeat
hi def link fcWordOp      Operator
hi def link fcConstant    Constant
hi def link fcType        Type
hi def link fcReduction   Function
hi def link fcFunction    Function
hi def link fcSchedule    PreProc
hi def link fcDimension   Identifier
hi def link fcNumber      Number
hi def link fcOperator    Operator
hi def link fcName        Function
hi def link fcString      String
hi def link fcComment     Comment

let b:current_syntax = "fc"
