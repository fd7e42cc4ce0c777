//! What kind of object a Python type makes, decided once per type.
//!
//! ```python
//! class Trainer: ...        # Object: __dict__ and slots are its state
//! torch.nn.Parameter        # Tensor
//! logging.Logger            # Harmless: a thing of the process, looked up in place, never copied
//! ```
//!
//! The table is filled lazily, by type pointer, with help of the Python package
//! `florc.adapters`, which knows types by name. Nothing here looks at an object's content.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet,
    PyString, PyTuple, PyType,
};

/// An attribute that says something of the process: addresses of objects (of `torch.compile`; of the metrics of a
/// `LightningModule`, which finds them again). It is neither captured nor put back.
pub(crate) fn is_of_the_process(attribute: &str) -> bool {
    matches!(attribute, "_torchdynamo_wrapper_id" | "_metric_attributes")
}

/// What a tensor calls when its gradient is there: no entries of its `__dict__`.
pub(crate) const TENSOR_HOOKS: [&str; 2] = ["_backward_hooks", "_post_accumulate_grad_hooks"];

/// What the walk does with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    None,
    Bool,
    Int,
    Float,
    Complex,
    Str,
    Bytes,
    Ellipsis,
    NotImplemented,
    ByteArray,
    List,
    Tuple,
    Dict,
    Set,
    FrozenSet,
    /// A class.
    Class,
    Module,
    /// A function written in Python.
    Function,
    /// A function written in C, perhaps bound to an object.
    Builtin,
    Method,
    Cell,
    WeakRef,
    EnumMember,
    Tensor,
    Array,
    /// State is `__dict__`, slots and the content of a builtin base.
    Object(Base),
    /// State is what an adapter's `save` gives.
    Adapted,
    /// By reference: loggers, locks, files, sockets.
    Harmless,
    /// A running iterator.
    Iterator,
    /// Found by name (`torch.float32`), else opaque.
    Singleton,
    /// Hidden state in C.
    Opaque,
}

/// The builtin type under a class written in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Plain,
    Int,
    Float,
    Complex,
    Str,
    Bytes,
    ByteArray,
    List,
    Tuple,
    Dict,
    Set,
    FrozenSet,
    Deque,
}

impl Base {
    /// Content cannot change after creation.
    pub(crate) fn is_immutable(self) -> bool {
        matches!(
            self,
            Self::Int
                | Self::Float
                | Self::Complex
                | Self::Str
                | Self::Bytes
                | Self::Tuple
                | Self::FrozenSet
        )
    }
}

/// A slot of a class: its name and the descriptor that reads and writes it.
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) descriptor: Py<PyAny>,
}

/// Everything the walk needs to know of a type.
pub(crate) struct TypeInfo {
    pub(crate) class: Py<PyType>,
    pub(crate) kind: Kind,
    /// `module.qualname`.
    pub(crate) name: String,
    /// Instances have a `__dict__`.
    pub(crate) has_dict: bool,
    pub(crate) slots: Vec<Slot>,
    /// The builtin base that makes instances.
    pub(crate) solid: Py<PyType>,
    pub(crate) adapter: Option<Py<PyAny>>,
    /// Defined by the user's project, not by Python or an installed package.
    pub(crate) is_project: bool,
    /// The builtin base is `collections.defaultdict`.
    pub(crate) is_defaultdict: bool,
}

thread_local! {
    static TYPES: RefCell<HashMap<usize, Rc<TypeInfo>>> = RefCell::new(HashMap::new());
}

/// The entry of the type of `object`.
pub(crate) fn info_of(object: &Bound<'_, PyAny>) -> PyResult<Rc<TypeInfo>> {
    let key = object.get_type_ptr() as usize;
    if let Some(found) = TYPES.with(|types| types.borrow().get(&key).cloned()) {
        return Ok(found);
    }
    let info = Rc::new(classify(&object.get_type())?);
    TYPES.with(|types| types.borrow_mut().insert(key, Rc::clone(&info)));
    Ok(info)
}

/// The entry of a class itself.
pub(crate) fn info_of_class(class: &Bound<'_, PyType>) -> PyResult<Rc<TypeInfo>> {
    let key = class.as_ptr() as usize;
    if let Some(found) = TYPES.with(|types| types.borrow().get(&key).cloned()) {
        return Ok(found);
    }
    let info = Rc::new(classify(class)?);
    TYPES.with(|types| types.borrow_mut().insert(key, Rc::clone(&info)));
    Ok(info)
}

/// `module.qualname` of a class.
pub(crate) fn class_name(class: &Bound<'_, PyType>) -> String {
    let module = class
        .module()
        .map(|name| name.to_string())
        .unwrap_or_default();
    let qualname = class
        .qualname()
        .map(|name| name.to_string())
        .unwrap_or_default();
    format!("{module}.{qualname}")
}

/// The adapters package of the installed `florc`.
pub(crate) fn adapters(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import(intern!(py, "florc.adapters"))
}

fn classify(class: &Bound<'_, PyType>) -> PyResult<TypeInfo> {
    let py = class.py();
    let name = class_name(class);
    let mut adapter = None;
    let (base, solid) = solid_base(class)?;
    let kind = if let Some(kind) = exact_kind(class, &name) {
        kind
    } else if class.is_subclass_of::<PyType>()? {
        Kind::Class
    } else {
        let answer = adapters(py)?.call_method1(intern!(py, "find"), (class,))?;
        match answer.extract::<String>().ok().as_deref() {
            Some("harmless") => Kind::Harmless,
            Some("iterator") => Kind::Iterator,
            Some("singleton") => Kind::Singleton,
            Some("tensor") => Kind::Tensor,
            Some("array") => Kind::Array,
            Some("enum") => Kind::EnumMember,
            Some("weakref") => Kind::WeakRef,
            Some("opaque") => Kind::Opaque,
            _ if !answer.is_none() => {
                adapter = Some(answer.unbind());
                Kind::Adapted
            }
            _ => base.map_or(Kind::Opaque, Kind::Object),
        }
    };
    let dict_offset = class
        .getattr(intern!(py, "__dictoffset__"))?
        .extract::<isize>()?;
    Ok(TypeInfo {
        class: class.clone().unbind(),
        kind,
        has_dict: dict_offset != 0,
        slots: slots_of(class)?,
        is_defaultdict: class_name(&solid) == "collections.defaultdict",
        solid: solid.unbind(),
        adapter,
        is_project: is_project(class)?,
        name,
    })
}

fn exact_kind(class: &Bound<'_, PyType>, name: &str) -> Option<Kind> {
    let py = class.py();
    if class.is(py.get_type::<PyBool>()) {
        return Some(Kind::Bool);
    }
    let exact = [
        (py.get_type::<PyInt>(), Kind::Int),
        (py.get_type::<PyFloat>(), Kind::Float),
        (py.get_type::<PyComplex>(), Kind::Complex),
        (py.get_type::<PyString>(), Kind::Str),
        (py.get_type::<PyBytes>(), Kind::Bytes),
        (py.get_type::<PyByteArray>(), Kind::ByteArray),
        (py.get_type::<PyList>(), Kind::List),
        (py.get_type::<PyTuple>(), Kind::Tuple),
        (py.get_type::<PyDict>(), Kind::Dict),
        (py.get_type::<PySet>(), Kind::Set),
        (py.get_type::<PyFrozenSet>(), Kind::FrozenSet),
        (py.get_type::<PyType>(), Kind::Class),
    ];
    if let Some((_, kind)) = exact.iter().find(|(known, _)| class.is(known)) {
        return Some(*kind);
    }
    Some(match name {
        "builtins.NoneType" => Kind::None,
        "builtins.ellipsis" => Kind::Ellipsis,
        "builtins.NotImplementedType" => Kind::NotImplemented,
        "builtins.module" => Kind::Module,
        "builtins.function" => Kind::Function,
        "builtins.builtin_function_or_method" => Kind::Builtin,
        "builtins.method" => Kind::Method,
        "builtins.cell" => Kind::Cell,
        _ => return None,
    })
}

/// The nearest class of the MRO that Python code did not make, if the classes above it add
/// nothing but slots and a `__dict__`.
fn solid_base<'py>(class: &Bound<'py, PyType>) -> PyResult<(Option<Base>, Bound<'py, PyType>)> {
    let py = class.py();
    let object = py.get_type::<PyAny>();
    let mut current = class.clone();
    loop {
        if let Some(base) = known_base(&current) {
            return Ok((Some(base), current));
        }
        let parent = current.getattr(intern!(py, "__base__"))?;
        let Ok(parent) = parent.cast_into::<PyType>() else {
            return Ok((None, object));
        };
        if hidden_bytes(&current, &parent)? > 0 {
            return Ok((None, current));
        }
        current = parent;
    }
}

fn known_base(class: &Bound<'_, PyType>) -> Option<Base> {
    Some(match class_name(class).as_str() {
        "builtins.object" => Base::Plain,
        "builtins.int" => Base::Int,
        "builtins.float" => Base::Float,
        "builtins.complex" => Base::Complex,
        "builtins.str" => Base::Str,
        "builtins.bytes" => Base::Bytes,
        "builtins.bytearray" => Base::ByteArray,
        "builtins.list" => Base::List,
        "builtins.tuple" => Base::Tuple,
        "builtins.dict" | "collections.OrderedDict" | "collections.defaultdict" => Base::Dict,
        "builtins.set" => Base::Set,
        "builtins.frozenset" => Base::FrozenSet,
        "collections.deque" => Base::Deque,
        _ => return None,
    })
}

/// Bytes that instances of `class` have beyond those of `parent`, slots, dict and weak references.
fn hidden_bytes(class: &Bound<'_, PyType>, parent: &Bound<'_, PyType>) -> PyResult<isize> {
    let py = class.py();
    let number = |of: &Bound<'_, PyType>, name: &Bound<'_, PyString>| -> PyResult<isize> {
        of.getattr(name)?.extract()
    };
    let size = intern!(py, "__basicsize__");
    let mut extra = number(class, size)? - number(parent, size)?;
    let word = size_of::<usize>().cast_signed();
    for offset in [
        intern!(py, "__dictoffset__"),
        intern!(py, "__weakrefoffset__"),
    ] {
        if number(class, offset)? != 0 && number(parent, offset)? == 0 {
            extra -= word;
        }
    }
    Ok(extra - word * own_slots(class)?.len().cast_signed())
}

fn own_slots(class: &Bound<'_, PyType>) -> PyResult<Vec<Slot>> {
    let py = class.py();
    let mut slots = Vec::new();
    let names = class.getattr(intern!(py, "__dict__"))?;
    if !names.contains(intern!(py, "__slots__"))? {
        return Ok(slots);
    }
    for item in names.call_method0(intern!(py, "items"))?.try_iter()? {
        let (name, descriptor): (String, Bound<'_, PyAny>) = item?.extract()?;
        if descriptor.get_type().name()? == "member_descriptor" {
            slots.push(Slot {
                name,
                descriptor: descriptor.unbind(),
            });
        }
    }
    Ok(slots)
}

fn slots_of(class: &Bound<'_, PyType>) -> PyResult<Vec<Slot>> {
    let mut slots = Vec::new();
    for base in class.mro().iter() {
        let Ok(base) = base.cast_into::<PyType>() else {
            continue;
        };
        let mut own = own_slots(&base)?;
        own.sort_by(|a, b| a.name.cmp(&b.name));
        slots.extend(own);
    }
    Ok(slots)
}

fn is_project(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let py = class.py();
    let Ok(module) = class.getattr(intern!(py, "__module__")) else {
        return Ok(false);
    };
    is_project_module(py, &module)
}

/// Whether a module (by name) belongs to the user's project.
pub(crate) fn is_project_module(py: Python<'_>, module: &Bound<'_, PyAny>) -> PyResult<bool> {
    adapters(py)?
        .call_method1(intern!(py, "is_project"), (module,))?
        .extract()
}
