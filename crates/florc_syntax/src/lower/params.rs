//! Parameters, keywords and type parameters.
//!
//! ```python
//! def f[T: int](a, /, b: T = 1, *args, c, **kwargs): ...
//! ```
//!
//! Order of evaluation is not settled here; see [`crate::walk`].

use rustpython_ast as ast;

use super::{Lowered, Lowerer};
use crate::tree::{Keyword, Parameter, Parameters, TypeParam};

impl Lowerer<'_> {
    pub(super) fn parameters(&mut self, args: &ast::Arguments) -> Lowered<Parameters> {
        Ok(Parameters {
            positional_only: self.defaulted(&args.posonlyargs)?,
            positional: self.defaulted(&args.args)?,
            vararg: self.bare(args.vararg.as_deref())?,
            keyword_only: self.defaulted(&args.kwonlyargs)?,
            kwarg: self.bare(args.kwarg.as_deref())?,
        })
    }

    fn defaulted(&mut self, args: &[ast::ArgWithDefault]) -> Lowered<Vec<Parameter>> {
        let lower = |arg: &ast::ArgWithDefault| {
            let mut parameter = self.parameter(&arg.def)?;
            parameter.default = self.optional(arg.default.as_deref())?;
            Ok(parameter)
        };
        args.iter().map(lower).collect()
    }

    fn bare(&mut self, arg: Option<&ast::Arg>) -> Lowered<Option<Parameter>> {
        arg.map(|arg| self.parameter(arg)).transpose()
    }

    fn parameter(&mut self, arg: &ast::Arg) -> Lowered<Parameter> {
        let name = self.name_from(self.span(arg.range).start);
        let annotation = self.optional(arg.annotation.as_deref())?;
        Ok(Parameter {
            name,
            annotation,
            default: None,
        })
    }

    pub(super) fn keywords(&mut self, keywords: &[ast::Keyword]) -> Lowered<Vec<Keyword>> {
        let lower = |keyword: &ast::Keyword| {
            let span = self.span(keyword.range);
            let name = keyword.arg.is_some().then(|| self.name_from(span.start));
            Ok(Keyword {
                name,
                value: self.expr(&keyword.value)?,
                span,
            })
        };
        keywords.iter().map(lower).collect()
    }

    pub(super) fn type_params(&mut self, params: &[ast::TypeParam]) -> Lowered<Vec<TypeParam>> {
        let lower = |param: &ast::TypeParam| {
            let (range, bound) = match param {
                ast::TypeParam::TypeVar(it) => (it.range, it.bound.as_deref()),
                ast::TypeParam::ParamSpec(it) => (it.range, None),
                ast::TypeParam::TypeVarTuple(it) => (it.range, None),
            };
            let name = self.name_from(self.span(range).start);
            Ok(TypeParam {
                name,
                bound: self.optional(bound)?,
            })
        };
        params.iter().map(lower).collect()
    }
}
