"""Small calls for the entries of the knowledge files, written as the arguments of a call.

    "random.shuffle": "N"        # random.shuffle([3, 1, 2]), with a list that is new at each call

Capital names are made anew each time they are met (`MAKERS`). Names without a line of their own are
tried with all arguments of their package (`GENERIC`); those that do not fit raise and are passed over.
"""
import collections
import dataclasses
import random
import re

import numpy as np
import torch
from torch import nn

from knowledge_entries import resolve


def tensor(*shape, dtype=torch.float32):
    count = int(np.prod(shape)) if shape else 1
    return (torch.arange(count) + 1).reshape(shape).to(dtype)


class Fresh(dict):
    """Names for `eval`: capital ones are made when they are read."""

    def __missing__(self, name):
        if name in MAKERS:
            return MAKERS[name]()
        found = resolve(name)
        if found is None:
            raise KeyError(name)
        return found


def names():
    return {name: maker for name, maker in globals().items() if callable(maker) and name in ("linear", "trained", "tensor")} | {"np": np}


def linear():
    torch.manual_seed(1)
    return nn.Linear(2, 2)


def trained(optimizer=torch.optim.SGD, **options):
    model = linear()
    made = optimizer(model.parameters(), **{"lr": 0.1, **options})
    model(tensor(2, 2)).sum().backward()
    return made


def stepped():
    made = trained(momentum=0.9)
    made.step()
    return made


def items():
    return torch.utils.data.TensorDataset(tensor(4, 2), tensor(4))


MAKERS = {
    "T": lambda: tensor(2, 2),
    "G": lambda: tensor(2, 2).requires_grad_(),
    "P": lambda: tensor(2, 2).requires_grad_() * 1,
    "U": lambda: torch.tensor([[0.2, 0.3], [0.4, 0.5]]),
    "V": lambda: tensor(2),
    "Z": lambda: torch.tensor(1.5),
    "I": lambda: torch.tensor([0, 1]),
    "J": lambda: torch.tensor([[0, 1], [1, 0]]),
    "B": lambda: torch.tensor([[True, False], [False, True]]),
    "C": lambda: tensor(2, 2, dtype=torch.complex64),
    "T3": lambda: tensor(2, 2, 2),
    "T4": lambda: tensor(1, 2, 4, 4),
    "T5": lambda: tensor(1, 2, 4, 4, 4),
    "TG": lambda: torch.Generator().manual_seed(1),
    "A": lambda: np.array([[1.0, 2.0], [3.0, 5.0]]),
    "AV": lambda: np.array([3.0, 1.0, 2.0, 4.0]),
    "AI": lambda: np.array([[1, 0], [0, 1]]),
    "AB": lambda: np.array([[True, False], [False, True]]),
    "AO": lambda: np.array([[1], [2, 3], {}], dtype=object),
    "AC": lambda: np.array([[1 + 1j, 2], [3, 5]]),
    "NG": lambda: np.random.default_rng(1),
    "NS": lambda: np.random.RandomState(1),
    "R": lambda: random.Random(1),
    "N": lambda: [3, 1, 2],
    "F": lambda: [0.5, 2.5],
    "L": lambda: [[1], [2], [3]],
    "TU": lambda: ([1], [2]),
    "D": lambda: {"a": [1], "b": [2]},
    "S": lambda: {1, 2, 3},
    "FS": lambda: frozenset([1, 2]),
    "Q": lambda: collections.deque([[1], [2]]),
    "PAIRS": lambda: [("a", [1]), ("b", [2])],
    "O": lambda: [9],
    "IT": lambda: iter([[1], [2]]),
    "BA": lambda: bytearray(b"abcd"),
    "K": lambda: collections.Counter("abca"),
    "OD": lambda: collections.OrderedDict(a=[1], b=[2]),
    "DD": lambda: collections.defaultdict(list, a=[1]),
    "POINT": lambda: collections.namedtuple("Point", "x y")([1], [2]),
    "M": linear,
    "NET": lambda: nn.Sequential(linear(), nn.BatchNorm1d(2), nn.Dropout(0.5)),
    "LIST": lambda: nn.ModuleList([linear(), nn.ReLU()]),
    "DICT": lambda: nn.ModuleDict({"a": linear()}),
    "OPT": trained,
    "MOMENTUM": stepped,
    "SCHED": lambda: torch.optim.lr_scheduler.StepLR(stepped(), 1),
    "DATA": items,
    "LOADER": lambda: torch.utils.data.DataLoader(items(), batch_size=2),
    "SHUFFLED": lambda: torch.utils.data.DataLoader(items(), batch_size=2, shuffle=True),
    "X": lambda: np.array([[0.0, 1.0], [1.0, 0.5], [2.0, 2.0], [3.0, 1.0], [4.0, 4.5], [5.0, 3.0]]),
    "Y": lambda: np.array([0, 1, 0, 1, 1, 0]),
    "FN": lambda: lambda *values: values[0],
    "DC": lambda: dataclasses.make_dataclass("P", ["x"])([1]),
    "CAT": lambda: torch.distributions.Categorical(logits=tensor(2, 2)),
    "NORMAL": lambda: torch.distributions.Normal(tensor(2), 1.0),
    "SCALER": lambda: torch.amp.GradScaler("cpu", init_scale=2.0),
    "EMA": lambda: torch.optim.swa_utils.AveragedModel(linear()),
}

PLAIN = "; T,T,out=T; T,out=T; T,0,out=V; V,V,out=V; T; T,T; T,T,T; T,0; T,1; T,0,1; T,0,1,2; T,1.5; T,2; T,-1; T,[0,1]; T,[2,2]; T,(4,); T,(0,),(1,); [T,T]; [T,T],0; T,J; J; J,J; J,1; B; B,T,T; B,B; V,V; V; V,V,V; T,V; V,T; T,V,V; T3; T3,T3; T3,T3,T3; T3,0,1; T,T3,T3; C; C,C; Z; Z,Z; U; U,U; U,1; T,T,0.5; T,T,T,0.5; T,0,I,T; T,0,J,T; T,0,J; T,0,I; T,0,I,1.5; T,B; T,B,0.5; T,B,T; T,(I,I),V; T,torch.float64; T,'cpu'; 2; 2,3; (2,3); 0,5; 0.0,1.0,3; 0.0,1.0; [2],1.5; 2,(2,2); 0,3,(2,); T,0,4; I; J,0; T4,2; T4,(2,2); V,2; V,3; T,T,1; [V,V]; V,2,2; T4; T,[1,1]; T,0,[1,1]; 'ij,jk->ik',T,T; T,(2,2),(1,2); T,1,1,1; 1,3; I,0; V,0,1; V,[2],0; [1.0,2.0]; A; AI; T,generator=TG; U,1,generator=TG; 2,generator=TG"
ARRAY = "; A,out=A; A,A,out=A; A,0,out=AV; A; A,A; A,0; A,1; A,0,1; A,2; A,1.5; A,(4,); A,(2,2); A,[0,1]; A,A,A; [A,A]; [A,A],0; (A,A); AV; AV,AV; AV,2; AV,1.5; AV,[0,1]; AV,0,1; AI; AI,AI; AI,[A,A]; AB; AB,AB; AB,A,A; [AB,AB],[A,A]; AO; AO,0; AC; 3; 2,3; (2,3); 0,5; 1.0,2.0,3; (2,2),1.5; N; F; L; N,N; A,A,A; AV,AI; A,1,0; A,((0,1),(1,0)); 'ij,jk->ik',A,A; A,AB,9.0; A,AI,1; A,AB,AV; A,AI,A; A,'f8'; A,1.5,2.5; A,dtype=float; AV,0,0; AV,AV,1; AV,3; AI,1; 1.5,A; AV,1,9.0; A,0,1,2; AV,(2,2); 0,(2,2)"
CONTAINER = "; O; O,O; 0; 0,O; 1; L; N; D; S; TU; Q; IT; L,L; PAIRS; 'a'; 'a',O; 'c',O; a=O; K; L,N; [L,L]; L,0; D,D; 'b',True; FN; FN,L; L,L,L; FN,L,L; 1,2; 'abc'; 'a','b'; FN,N; N,2; S,S; S,1; L,2; PAIRS,a=O; FN,L,O; DQ; OD; POINT; b'ab'; 2.5; 3,2; L,True; 'a b'; 'q'; [9]; L,[1,2]; L,N,O; 5; N,3; N,[1,2,3]; L,FN; 1.5,2.5; 0.5; 3; -1; 1,0"
MODULE = "2,2; 2; ; 2,2,2; 0.5; (1,1); 2,1; 4,2,2; M; T; 2,2,1; 'mean'; [M]; 1,(1,1)"
GENERIC = {
    "torch": PLAIN,
    "torch.nn": MODULE,
    "torch.nn.functional": PLAIN,
    "torch.nn.utils": "T; [G]; M; OPT.param_groups[0]['params'],1.0; [T,T]; T3,[2,1]; M,0.5",
    "torch.nn.init": "T; T,0.5; G; torch.ones(2,2,2,2); T,0.5,1.0; 'relu'; M.weight",
    "torch.optim": "M.parameters(); M.parameters(),lr=0.1; M.parameters(),0.1; OPT; OPT,1",
    "torch.utils": "; L; DATA; DATA,2; T,T; [DATA]; DATA,[0,1]; [T,T]; [G,G]; DATA,[2,2]; L,2,False; [1.0,2.0],2; 'a'",
    "torch.nn:": "; T; M; 'weight'; T4; P",
    "torch.optim:": "; 0; 'lr'; 'x',1; OPT.param_groups[0]",
    "torch.utils:": "; 0",
    "torch.distributions": "T; V,V; U; V; 1.0; 2,U",
    "torch.distributions:": "; (2,); T",
    "sklearn:": "; X; X,Y",
    "numpy": ARRAY,
    "builtins": CONTAINER,
    "collections": CONTAINER,
    "itertools": CONTAINER,
    "functools": CONTAINER,
    "operator": CONTAINER,
    "math": "1; 2.5; 0.5; 1,2; 2.5,1; 6,4; F; N; N,N; 1.5,1.5; 3,2; 0.5,2",
    "cmath": "1; 2.5; 1,2",
    "sklearn": "; X; Y; X,Y",
    "statistics": "N; F; N,N; N,2",
    "random": "; 3; 1,5; N; L; N,2; N,k=2; 0.5,1.5; 1.0; 1,2,1.5; L,2; L,k=2; 8; random.getstate(); 3,0.5",
    "copy": "L; D; T; A; M; 3; POINT; O",
    "heapq": "N; N,4; H2,N; 2,N; N,N; L,O; L,[7]",
    "bisect": "N,2; N,2,0; L,O",
    "fractions": "1,2; '1/3'",
    "decimal": "'1.5'; 2",
    "string": "",
    "einops": "T,'a b -> (a b)'; T,'a b -> b a'; T,'a b -> a b'; T,'a b -> a','sum'; T,'a b -> a b c',c=1; [T,T],'c a b -> c a b'; [T],'a *'; T,T,'a b, b c -> a c'; A,'a b -> b a'",
    "pandas:": "; 0; 'a'; 1; int; pandas.DataFrame({'a': [1, 2]}); FN; 'a',inplace=True; columns='a',inplace=True; 0,inplace=True; inplace=True; by='a'",
    "pandas": "D; L; N; [pandas.DataFrame({'a': [1]}),pandas.DataFrame({'a': [1]})]; A; pandas.DataFrame({'a': [1]}),pandas.DataFrame({'a': [1]})",
    "PIL": "'RGB',(2,2); PIL.Image.new('RGB',(2,2)); numpy.zeros((2,2),dtype='u1'); PIL.Image.new('RGB',(2,2)),(1,1)",
    "PIL:": "; 'L'; (2,2); (1,1); 90; (0,0,1,1); PIL.Image.new('RGB',(2,2)); (0,0),(1,1,1); 0",
    "gymnasium:": "; 0; seed=1",
    "gymnasium": "gymnasium.make('CartPole-v1'); 'CartPole-v1'; 0,1,(2,); 2",
    "torchvision.ops": "torch.ones(1,4),torch.ones(1),0.5; torch.ones(1,4); torch.ones(1,4),torch.ones(1,4); torch.ones(1,4),(2,2); torch.ones(1,4),'xyxy','xywh'; torch.ones(1,4),'xyxy','xyxy'; G,U",
    "torchvision.utils": "torch.ones(1,3,2,2); [torch.ones(3,2,2)]; torch.ones(3,2,2)",
    "torchvision.transforms": "; 2; [FN]; FN; 2,2; [0],[1]; (0,0,1,1)",
    "torchvision.transforms.functional": "torch.ones(3,2,2); torch.ones(3,2,2),2; torch.ones(3,2,2),[2,2]; torch.ones(3,2,2),[0],[1]; torch.ones(3,2,2),[0],[1],True; torch.ones(3,2,2),1.5; torch.ones(3,2,2),torch.float32; torch.ones(3,2,2),0,0,2,2; torch.ones(3,2,2),90; numpy.zeros((2,2,3),dtype='u1')",
    "torchvision.transforms:": "torch.ones(3,2,2); torch.ones(1,2,2); T",
    "timm": "; 2; M; M.parameters(); T,I",
    "os.path": "'a'; ['a','b']; 'a','b'",
}  # fmt: skip

# Makers of the receivers of methods, by type.
RECEIVERS = {
    "torch.Tensor": "T; P; G; J; B; C; V; U; T3; Z; I; T4",
    "torch.Batch": "torch.sort(T); [T,T]; {'a': T}; torch.svd(T); T",
    "torch.Generator": "TG",
    "torch.nn.Module": "M; NET; LIST; DICT",
    "torch.nn.Dropout": "torch.nn.Dropout(0.5)",
    "torch.nn.WritesInput": "torch.nn.ReLU(inplace=True); torch.nn.Dropout(0.5,inplace=True)",
    "torch.nn.Stateless": "M; torch.nn.GELU(); torch.nn.MaxPool2d(2); torch.nn.Upsample(scale_factor=1)",
    "torch.nn.View": "torch.nn.Flatten(); torch.nn.Identity()",
    "torch.nn.Loss": "torch.nn.MSELoss()",
    "torch.nn.Embedding": "torch.nn.Embedding(4,2); torch.nn.Embedding(4,2,max_norm=0.1)",
    "torch.nn.Recurrent": "torch.nn.LSTM(2,2); torch.nn.GRU(2,2); torch.nn.TransformerEncoderLayer(2,1)",
    "torch.nn.Container": "LIST; DICT; NET",
    "torch.distributions.Distribution": "CAT; NORMAL",
    "torch.GradScaler": "SCALER",
    "torch.optim.swa_utils.AveragedModel": "EMA",
    "builtins.Exception": "ValueError(O)",
    "contextlib.Context": "contextlib.nullcontext(O)",
    "pandas.DataFrame": "pandas.DataFrame({'a': [1, 2], 'b': [1.5, 2.5]}); pandas.Series([1, 2])",
    "PIL.Image": "PIL.Image.new('RGB', (2, 2))",
    "gymnasium.Env": "gymnasium.make('CartPole-v1')",
    "gymnasium.Space": "gymnasium.spaces.Box(0, 1, (2,)); gymnasium.spaces.Discrete(2)",
    "torchvision.transforms.Transform": "torchvision.transforms.Resize(2); torchvision.transforms.RandomHorizontalFlip(); torchvision.transforms.Normalize([0], [1], inplace=True)",
    "logging.Logger": "logging.Logger('a')",
    "logging.Handler": "logging.NullHandler()",
    "pathlib.Path": "pathlib.Path('a/b.c')",
    "json.Value": "json.loads('{\"a\": [1]}')",
    "argparse.ArgumentParser": "argparse.ArgumentParser()",
    "argparse.Namespace": "argparse.Namespace(x=O)",
    "enum.Enum": "enum.Enum('E', 'a b').a",
    "re.Pattern": "re.compile('a')",
    "re.Match": "re.match('a', 'a')",
    "hashlib.Hash": "hashlib.md5()",
    "builtins.getter": "operator.itemgetter(0)",
    "random.SystemRandom": "random.SystemRandom()",
    "torch.utils.data.Sampler": "torch.utils.data.SequentialSampler(L); torch.utils.data.RandomSampler(L)",
    "torch.utils.data.Subsets": "torch.utils.data.random_split(DATA,[2,2])",
    "torch.nn.StateDict": "M.state_dict()",
    "torch.nn.Parameters": "M.parameters()",
    "torch.nn.NamedParameters": "M.named_parameters()",
    "torch.nn.Modules": "NET.modules()",
    "torch.nn.NamedModules": "NET.named_modules()",
    "torch.optim.Optimizer": "OPT; MOMENTUM",
    "torch.optim.Groups": "OPT.param_groups",
    "torch.optim.Group": "OPT.param_groups[0]",
    "torch.optim.GroupItem": "OPT.param_groups[0]['params']",
    "torch.optim.lr_scheduler.LRScheduler": "SCHED",
    "torch.utils.data.DataLoader": "LOADER; SHUFFLED",
    "torch.utils.data.LoaderIterator": "iter(LOADER); iter(SHUFFLED)",
    "torch.utils.data.Dataset": "DATA; torch.utils.data.Subset(DATA,[0,1]); torch.utils.data.ConcatDataset([DATA,DATA])",
    "numpy.ndarray": "A; AV; AI; AB; AO; AC",
    "numpy.random.Generator": "NG; NS",
    "random.Random": "R",
    "builtins.list": "L; N; S; Q; FS; TU; POINT; F",
    "builtins.tuple": "TU; POINT",
    "builtins.namedtuple": "POINT",
    "builtins.dict": "D; OD; DD",
    "builtins.keys": "D.keys()",
    "builtins.items": "D.items()",
    "builtins.bytearray": "BA",
    "builtins.iterator": "iter(L); iter(D); reversed(L); itertools.chain(L,L); itertools.islice(L,2); (x for x in L)",
    "builtins.enumerate": "enumerate(L)",
    "builtins.zip": "zip(L,L)",
    "builtins.map": "map(FN,L)",
    "builtins.filter": "filter(FN,L)",
    "builtins.generator": "(x for x in L)",
    "collections.Counter": "K",
    "collections.defaultdict": "DD",
    "itertools.count": "itertools.count()",
    "itertools.repeat": "itertools.repeat(O)",
    "itertools.flattened": "itertools.chain.from_iterable([L,L])",
    "itertools.groups": "itertools.product(L,L); itertools.combinations(L,2); itertools.pairwise(L)",
    "functools.partial": "functools.partial(FN,O)",
    "sklearn.Estimator": "sklearn.linear_model.SGDClassifier(random_state=0).fit(X,Y); sklearn.linear_model.SGDClassifier(); sklearn.linear_model.LinearRegression().fit(X,Y); sklearn.cluster.KMeans(2,n_init=1).fit(X)",
    "sklearn.Bunch": "sklearn.datasets.load_iris()",
}  # fmt: skip

# Arguments for entries that the general ones do not fit.
CALLS = {
    "os.path.join": "'a','b'",
    "json.dumps": "L; D",
    "json.loads": "'[1]'",
    "pickle.dumps": "L; D",
    "pickle.loads": "pickle.dumps(L)",
    "csv.reader": "['a,b']; IT",
    "logging.Logger:setLevel": "10",
    "logging.Logger:addHandler": "logging.NullHandler()",
    "logging.Logger:addFilter": "logging.Filter()",
    "logging.Logger:isEnabledFor": "10",
    "logging.Logger:getChild": "'b'",
    "logging.Handler:setLevel": "10",
    "logging.Handler:setFormatter": "logging.Formatter()",
    "pathlib.Path:joinpath": "'a'",
    "pathlib.Path:with_suffix": "'.d'",
    "pathlib.Path:with_name": "'d'",
    "pathlib.Path:with_stem": "'d'",
    "pathlib.Path:relative_to": "'a'",
    "argparse.ArgumentParser:add_argument": "'--a'; '--b',default=O",
    "argparse.ArgumentParser:set_defaults": "a=O",
    "argparse.ArgumentParser:parse_args": "[]",
    "argparse.ArgumentParser:parse_known_args": "[]",
    "builtins.isinstance": "O,list",
    "builtins.issubclass": "list,object",
    "builtins.getattr": "O,'append'; DC,'x'; DC,'y',O",
    "builtins.memoryview": "BA",
    "builtins.bytearray": "BA; 3",
    "builtins.bytes.fromhex": "'00'",
    "typing.cast": "int,O",
    "typing.NewType": "'A',int",
    "typing.TypeVar": "'A'",
    "dataclasses.asdict": "DC",
    "dataclasses.astuple": "DC",
    "dataclasses.replace": "DC,x=O; DC",
    "dataclasses.fields": "DC",
    "dataclasses.is_dataclass": "DC",
    "contextlib.contextmanager": "FN",
    "contextlib.asynccontextmanager": "FN",
    "abc.abstractmethod": "FN",
    "typing.overload": "FN",
    "typing.final": "FN",
    "typing.no_type_check": "FN",
    "builtins.Exception:with_traceback": "None",
    "builtins.Exception:add_note": "'a'",
    "builtins.generator:send": "None",
    "functools.partial": "FN; FN,O; FN,a=O",
    "bisect.insort": "N,2; L,[1]",
    "re.compile": "'a'",
    "re.match": "'a','a'",
    "re.search": "'a','a'",
    "re.fullmatch": "'a','a'",
    "re.sub": "'a','b','a'",
    "re.subn": "'a','b','a'",
    "re.escape": "'a'",
    "re.split": "'a','bab'",
    "re.findall": "'a','a'",
    "re.finditer": "'a','a'",
    "re.Pattern:match": "'a'",
    "re.Pattern:search": "'a'",
    "re.Pattern:fullmatch": "'a'",
    "re.Pattern:split": "'a'",
    "re.Pattern:findall": "'a'",
    "re.Pattern:finditer": "'a'",
    "re.Pattern:sub": "'b','a'",
    "re.Pattern:subn": "'b','a'",
    "re.Match:group": "; 0",
    "re.Match:start": "",
    "re.Match:end": "",
    "re.Match:span": "",
    "re.Match:expand": "'b'",
    "hashlib.new": "'md5'",
    "hashlib.Hash:update": "b'a'",
    "struct.pack": "'i',1",
    "struct.calcsize": "'i'",
    "struct.unpack": "'i',b'abcd'",
    "base64.b64encode": "b'a'",
    "base64.b64decode": "b'YQ=='",
    "binascii.hexlify": "b'a'",
    "textwrap.dedent": "'a'",
    "textwrap.wrap": "'a'",
    "textwrap.fill": "'a'",
    "textwrap.indent": "'a',' '",
    "secrets.randbelow": "3",
    "secrets.randbits": "3",
    "secrets.choice": "L",
    "random.SystemRandom:randint": "1,3",
    "random.SystemRandom:randrange": "3",
    "random.SystemRandom:uniform": "1,3",
    "random.SystemRandom:gauss": "0,1",
    "random.SystemRandom:getrandbits": "3",
    "random.SystemRandom:randbytes": "3",
    "random.SystemRandom:choice": "L",
    "random.SystemRandom:choices": "L",
    "random.SystemRandom:sample": "L,2",
    "random.SystemRandom:shuffle": "L",
    "ast.literal_eval": "'[1]'",
    "sys.getsizeof": "O",
    "sys.getrefcount": "O",
    "sys.intern": "'a'",
    "pprint.pformat": "O",
    "inspect.isclass": "int",
    "inspect.isfunction": "FN",
    "inspect.getdoc": "int",
    "datetime.datetime": "2000,1,1",
    "datetime.date": "2000,1,1",
    "datetime.datetime.fromtimestamp": "0",
    "datetime.datetime.fromisoformat": "'2000-01-01'",
    "datetime.datetime.strptime": "'2000','%Y'",
    "datetime.date.fromisoformat": "'2000-01-01'",
    "time.sleep": "0",
    "numpy.frombuffer": "BA; BA,'u1'",
    "numpy.fromfunction": "FN,(2,2)",
    "numpy.fromiter": "N,float",
    "numpy.interp": "1.5,AV,AV",
    "numpy.dtype": "'f8'",
    "numpy.finfo": "float",
    "numpy.iinfo": "int",
    "numpy.apply_along_axis": "np.sum,0,A",
    "numpy.apply_over_axes": "np.sum,A,[0]",
    "numpy.put_along_axis": "A,AI,9.0,1",
    "numpy.random.multinomial": "3,[0.5,0.5]",
    "numpy.random.multivariate_normal": "[0,0],[[1,0],[0,1]]",
    "numpy.random.geometric": "0.5",
    "numpy.random.Generator:multivariate_normal": "[0,0],[[1,0],[0,1]]",
    "numpy.random.Generator:geometric": "0.5",
    "numpy.ndarray:astype": "float; float,copy=False; object",
    "numpy.ndarray:swapaxes": "0,1",
    "torch.frombuffer": "BA,dtype=torch.uint8",
    "torch.conv2d": "T4,T4",
    "torch.unflatten": "T,0,(1,2)",
    "torch.cholesky": "torch.eye(2)",
    "torch.linalg.cholesky": "torch.eye(2)",
    "torch.addmv": "V,T,V",
    "torch.cross": "torch.ones(1,3),torch.ones(1,3)",
    "torch.promote_types": "torch.float32,torch.int32",
    "torch.can_cast": "torch.float32,torch.int32",
    "torch.iinfo": "torch.int32",
    "torch.finfo": "torch.float32",
    "torch._foreach_addcmul_": "[T],[T],[T]",
    "torch._foreach_addcdiv_": "[T],[T],[T]",
    "torch._foreach_addcmul": "[T],[T],[T]",
    "torch._foreach_addcdiv": "[T],[T],[T]",
    "torch._foreach_copy_": "[T],[T]",
    "torch._foreach_lerp_": "[T],[T],0.5",
    "torch._foreach_lerp": "[T],[T],0.5",
    "torch.testing.assert_close": "T,T",
    "torch.distributions.kl_divergence": "CAT,CAT; NORMAL,NORMAL",
    "torch.distributions.Distribution:log_prob": "torch.tensor([0,1])",
    "torch.distributions.Distribution:cdf": "V",
    "torch.distributions.Distribution:icdf": "U",
    "torch.distributions.Distribution:sample": "; (2,)",
    "torch.distributions.Distribution:rsample": "; (2,)",
    "torch.Generator:set_state": "torch.get_rng_state()",
    "torch.GradScaler:scale": "G*1; T; [T]",
    "torch.GradScaler:unscale_": "OPT",
    "torch.GradScaler:step": "OPT",
    "torch.GradScaler:update": "; 2.0",
    "torch.GradScaler:load_state_dict": "{}",
    "torch.optim.swa_utils.AveragedModel:update_parameters": "M",
    "torch.optim.swa_utils.AveragedModel": "M",
    "torch.nn.functional.linear": "T,T; T,T,V",
    "torch.nn.functional.bilinear": "T,T,T3",
    "torch.nn.functional.conv1d": "T3,T3",
    "torch.nn.functional.conv2d": "T4,T4",
    "torch.nn.functional.conv3d": "T5,T5",
    "torch.nn.functional.cross_entropy": "T,I; T,T",
    "torch.nn.functional.nll_loss": "T,I",
    "torch.nn.functional.batch_norm": "T,V,V,training=True; T,V,V",
    "torch.nn.functional.layer_norm": "T,(2,)",
    "torch.nn.functional.group_norm": "T4,2",
    "torch.nn.functional.embedding": "I,T; I,T,max_norm=0.5; I,T,None,0.5",
    "torch.nn.functional.one_hot": "I; I,3",
    "torch.nn.functional.dropout": "T; T,0.5,True; T,0.5,True,True; T,inplace=True",
    "torch.nn.functional.scaled_dot_product_attention": "T3,T3,T3",
    "torch.nn.functional.interpolate": "T4,scale_factor=2; T4,size=(4,4); T4,scale_factor=1",
    "torch.nn.functional.pad": "T,(1,1); T,(0,0)",
    "torch.nn.functional.normalize": "T; T,out=T",
    "torch.nn.utils.clip_grad_norm_": "OPT.param_groups[0]['params'],0.1",
    "torch.nn.utils.clip_grad_value_": "OPT.param_groups[0]['params'],0.1",
    "torch.nn.utils.vector_to_parameters": "torch.zeros(6),M.parameters()",
    "torch.nn.utils.parameters_to_vector": "M.parameters()",
    "torch.optim.lr_scheduler.StepLR": "OPT,1",
    "torch.optim.lr_scheduler.MultiStepLR": "OPT,[1]",
    "torch.optim.lr_scheduler.LambdaLR": "OPT,FN",
    "torch.optim.lr_scheduler.MultiplicativeLR": "OPT,FN",
    "torch.optim.lr_scheduler.ExponentialLR": "OPT,0.5",
    "torch.optim.lr_scheduler.CosineAnnealingLR": "OPT,2",
    "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts": "OPT,2",
    "torch.optim.lr_scheduler.CyclicLR": "MOMENTUM,0.1,0.2",
    "torch.optim.lr_scheduler.OneCycleLR": "MOMENTUM,0.1,4",
    "torch.optim.lr_scheduler.ChainedScheduler": "[SCHED]",
    "torch.optim.swa_utils.SWALR": "OPT,0.1",
    "torch.optim.Optimizer:load_state_dict": "trained().state_dict()",
    "torch.optim.Optimizer:add_param_group": "{'params': [G]}",
    "torch.optim.lr_scheduler.LRScheduler:load_state_dict": "{'last_epoch': 2}",
    "torch.nn.Module:load_state_dict": "linear().state_dict()",
    "torch.nn.Module:register_buffer": "'b',T",
    "torch.nn.Module:register_parameter": "'q',torch.nn.Parameter(T)",
    "torch.nn.Module:add_module": "'q',M",
    "torch.nn.Module:apply": "FN",
    **{f"torch.nn.Module:{name}": "" for name in ("parameters", "buffers", "named_parameters", "named_buffers", "modules", "named_modules", "children", "named_children")},
    "torch.nn.Module:get_submodule": "'0'",
    "torch.nn.Module:get_buffer": "'1.running_mean'",
    "torch.nn.Module:extend": "[M]",
    "torch.nn.Module:insert": "0,M",
    "torch.nn.Container:pop": "0; 'a'",
    "torch.nn.StateDict:subscript": "'weight'",
    "torch.nn.functional.conv_transpose2d": "T4,torch.ones(2,2,1,1)",
    "torch.nn.functional.pixel_shuffle": "torch.ones(1,4,2,2),2",
    "torch.nn.functional.lp_pool2d": "T4,2.0,2",
    "torch.nn.functional.grid_sample": "T4,torch.zeros(1,2,2,2)",
    "torch.nn.functional.affine_grid": "torch.ones(1,2,3),(1,1,2,2)",
    "torch.nn.functional.cosine_embedding_loss": "T,T,torch.ones(2)",
    "torch.nn.functional.multi_margin_loss": "T,I",
    "torch.nn.Embedding:call": "I",
    "torch.nn.Recurrent:call": "T3; T",
    "torch.nn.Stateless:call": "T; T4",
    "torch.nn.Loss:call": "T,T",
    "torch.nn.WritesInput:call": "T; P",
    "torch.nn.TransformerEncoder": "torch.nn.TransformerEncoderLayer(2,1),1",
    "torch.nn.utils.weight_norm": "M",
    "torch.nn.utils.spectral_norm": "M",
    "torch.nn.Module:to": "torch.float64; 'cpu'",
    "sklearn.model_selection.train_test_split": "X,Y; X; X,random_state=NS",
    "sklearn.metrics.roc_auc_score": "Y,Y/2",
    "sklearn.metrics.log_loss": "Y,Y/2",
    "sklearn.utils.shuffle": "X; X,Y",
    "sklearn.utils.resample": "X",
}
SKLEARN = "; X; Y; X,Y; Y,Y; NS"
CALLS |= {f"sklearn.Estimator:{name}": "X; X,Y; X,Y,[0,1]" for name in ("fit", "partial_fit", "fit_transform", "fit_predict", "score")}
CALLS |= {f"sklearn.Estimator:{name}": "X" for name in ("predict", "predict_proba", "transform", "inverse_transform", "decision_function", "predict_log_proba")}
CALLS |= {f"sklearn.metrics.{name}": "Y,Y; Y,X[:,0]" for name in ("accuracy_score", "f1_score", "precision_score", "recall_score", "mean_squared_error", "r2_score", "mean_absolute_error", "confusion_matrix", "classification_report")}


class Call:
    """One call: evaluated anew each time, so that nothing is left over from the last."""

    def __init__(self, entry, arguments, receiver=None):
        self.entry, self.arguments, self.receiver = entry, arguments, receiver

    def __repr__(self):
        return f"{self.receiver + '.' if self.receiver else ''}{self.entry.name}({self.arguments})"

    def made(self):
        """The callable, its arguments, and the receiver."""
        known = names()
        names_here = Fresh(known, __builtins__=__builtins__, given=lambda *args, **kwargs: (args, kwargs))
        args, kwargs = eval(f"given({self.arguments})", names_here)
        if self.receiver is None:
            return resolve(self.entry.name), args, kwargs, None
        receiver = eval(self.receiver, names_here)
        return self.bound(receiver), args, kwargs, receiver

    def bound(self, receiver):
        kind, name = self.entry.kind, self.entry.name
        if kind == "method":
            return lambda *args, **kwargs: getattr(receiver, name)(*args, **kwargs)
        if kind == "attribute":
            return lambda: getattr(receiver, name)
        if kind == "call":
            return receiver
        if kind == "iterate":
            return lambda: next(iter(receiver))
        if kind == "subscript":
            return lambda index: receiver[index]
        return lambda *args: combined(receiver, args[0] if args else receiver)


def combined(left, right):
    for operator in ("__add__", "__or__", "__eq__"):
        if hasattr(left, operator):
            return getattr(left, operator)(right)
    raise TypeError


def general(name, mark=""):
    """The arguments of the innermost package that has some, of methods rather than functions with a mark."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        package = ".".join(parts[:length])
        if package + mark in GENERIC:
            return GENERIC[package + mark]
    return GENERIC.get(parts[0], "")


def calls(entry):
    """The calls to try; empty where nothing is known to fit."""
    if entry.owner is None:
        texts = CALLS.get(entry.name, general(entry.name))
        receivers = [None]
    else:
        texts = CALLS.get(f"{entry.owner}:{entry.name}", {"attribute": "", "iterate": "", "subscript": "0; 'a'"}.get(entry.kind, general(entry.owner, ":")))
        receivers = [text.strip() for text in RECEIVERS.get(entry.owner, "").split(";") if text.strip()]
    for receiver in receivers:
        for text in texts.split(";"):
            yield Call(entry, text.strip(), receiver)
            if "T" in text.replace("TG", "").replace("TI", ""):
                yield Call(entry, with_gradients(text.strip()), receiver)


def with_gradients(text):
    return "".join("G" if part == "T" else part for part in re.split(r"(\bT\b)", text))
