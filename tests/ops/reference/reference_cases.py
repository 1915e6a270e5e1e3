# The cases: add(expression, name="shape|options"). Read by make_reference.py.
SHAPES = ["", "1", "5", "2,3", "3,1,2", "0,3", "1,1,1", "2,0,3"]
pair_shapes = [("2,3", "2,3"), ("2,3", "3"), ("2,1", "1,3"), ("", "2,2"), ("2,3|T", "2,3"), ("0,3", "3"), ("2,1,3", "4,1"),
               ("2,3,4", "4"), ("1", "5"), ("3,1,2", "2,1"), ("2,3|T", "1"), ("", ""), ("2,1,2,3", "3,1,1")]
axes3 = ["0", "1", "-1", "[0, 2]", "[0, 1, 2]", "[-1, 0]"]
both = ["True", "False"]


def ranged(shape, low, high, *options):
    return "|".join([shape, f"{low}:{high}", *options])


# Functions of one number: name, and a domain without kinks' neighbourhoods where it matters.
unary = dict(
    neg=(-4, 4), abs=(-4, 4), sign=(-4, 4), exp=(-4, 4), expm1=(-2, 2), exp2=(-4, 4), log=(0.25, 8), log1p=(-0.75, 4),
    log2=(0.25, 8), log10=(0.25, 8), sqrt=(0.25, 8), rsqrt=(0.25, 8), square=(-4, 4), reciprocal=(0.5, 4), sin=(-8, 8),
    cos=(-8, 8), tan=(-1.25, 1.25), asin=(-0.875, 0.875), acos=(-0.875, 0.875), atan=(-4, 4), sinh=(-3, 3),
    cosh=(-3, 3), tanh=(-4, 4), asinh=(-4, 4), acosh=(1.25, 8), atanh=(-0.875, 0.875), erf=(-3, 3), erfc=(-2, 3),
    lgamma=(0.25, 8), digamma=(0.25, 8), floor=(-4, 4), ceil=(-4, 4), round=(-4, 4), trunc=(-4, 4), frac=(-4, 4),
    sigmoid=(-8, 8), logsigmoid=(-8, 8), relu=(-4, 4), relu6=(-4, 12), leaky_relu=(-4, 4), elu=(-4, 4), selu=(-4, 4),
    celu=(-4, 4), gelu=(-4, 4), silu=(-4, 4), mish=(-4, 4), softplus=(-8, 8), softsign=(-4, 4), hardtanh=(-2, 2),
    hardsigmoid=(-4, 4), hardswish=(-4, 4), step=(-4, 4))
for name, (low, high) in unary.items():
    for shape in SHAPES:
        add(f"{name}(x)", x=ranged(shape, low, high))
    add(f"{name}(x)", x=ranged("3,4", low, high, "T"))
    add(f"{name}(x)", x=ranged("37", low, high))
    add(f"{name}(x[::2, 1:])", x=ranged("5,4", low, high))
    add(f"{name}({name}(x) * 0.125 + {(low + high) / 2 if low > 0 else 0.5})", x=ranged("4", max(low, 0.25), 1))
for x in ("2,5|-6:6", "3|-30:30"):
    for a in ("", ", 0.1", ", negative_slope=0.3", ", 0.0"):
        add(f"leaky_relu(x{a})", x=x)
    for a in ("", ", 0.5", ", alpha=2.0"):
        add(f"elu(x{a})", x=x)
        add(f"celu(x{a})", x=x)
    for a in (", approximate='none'", ", approximate='tanh'"):
        add(f"gelu(x{a})", x=x)
    for a in ("", ", 2", ", beta=0.5, threshold=3", ", 1, 5"):
        add(f"softplus(x{a})", x=x)
    for a in ("", ", -0.5, 2", ", min_val=-3, max_val=1"):
        add(f"hardtanh(x{a})", x=x)
    for a in ("0, 5", "threshold=1, value=-2", "-1, 0.5"):
        add(f"threshold(x, {a})", x=x)
    for a in ("decimals=0", "decimals=2", "decimals=-1"):
        add(f"round(x, {a})", x=x)

# Two and three arguments.
binary = dict(add=((-4, 4), (-4, 4)), sub=((-4, 4), (-4, 4)), mul=((-4, 4), (-4, 4)), div=((-4, 4), (0.5, 4)),
              pow=((0.25, 4), (-2, 3)), maximum=((-4, 4), (-4, 4)), minimum=((-4, 4), (-4, 4)), atan2=((-4, 4), (0.5, 4)),
              hypot=((0.5, 4), (0.5, 4)), fmod=((-8, 8), (0.5, 3)), remainder=((-8, 8), (0.5, 3)),
              logaddexp=((-8, 8), (-8, 8)), xlogy=((-4, 4), (0.25, 4)))
for name, (a, b) in binary.items():
    for s, t in pair_shapes:
        s, *so = s.split("|")
        add(f"{name}(x, y)", x=ranged(s, *a, *so), y=ranged(t, *b))
        add(f"{name}(y, x)", x=ranged(s, *b, *so), y=ranged(t, *a))
for op in ("+", "-", "*", "/", "**"):
    for s, t in pair_shapes:
        s, *so = s.split("|")
        add(f"x {op} y", x=ranged(s, 0.5, 4, *so), y=ranged(t, 0.5, 2))
    add(f"x {op} 3", x="2,3|0.5:3")
    add(f"2.5 {op} x", x="2,3|0.5:3")
for name in ("lt", "le", "gt", "ge", "eq", "ne"):
    for s, t in pair_shapes:
        s, *so = s.split("|")
        add(f"{name}(x, y)", x=ranged(s, -1, 1, "ties", *so), y=ranged(t, -1, 1, "ties"))
for op in ("<", "<=", ">", ">=", "==", "!="):
    add(f"x {op} y", x="4,3|-1:1|ties", y="3|-1:1|ties")
    add(f"x {op} 0.5", x="4,3|-1:1|ties")
for name in ("maximum", "minimum", "fmod", "remainder"):
    add(f"{name}(x, y)", x="4,3|-2:2|ties", y="4,3|0.5:2|ties")
for e in ("0", "1", "2", "3", "-1", "-2", "0.5", "1.5", "2.0"):
    add(f"pow(x, {e})", x="2,3|0.5:3")
    add(f"x ** {e}", x="7|0.5:3")
    add(f"pow(2.5, x) + {e}", x="2,3")
add("x ** 3", x="2,3|-3:-0.5")
add("x ** -2", x="2,3|-3:-0.5")
for a in ("alpha=2", "alpha=-0.5"):
    add(f"add(x, y, {a})", x="2,3", y="3")
    add(f"sub(x, y, {a})", x="2,3", y="3")
for m in ("None", "'trunc'", "'floor'"):
    add(f"div(x, y, rounding_mode={m})", x="4,3|-8:8", y="3|0.5:3")
for w in ("0.25", "0.5", "0.75", "2.0", "w"):
    add(f"lerp(x, y, {w})", x="2,3", y="2,3", w="2,3|0:1") if w == "w" else add(f"lerp(x, y, {w})", x="2,3", y="2,3")
for s, t, c in (("2,3", "2,3", "2,3"), ("3", "2,1", "2,3"), ("", "2,3", "3"), ("0,3", "3", "1")):
    add("where(c, x, y)", c=c + "|b", x=s, y=t)
for a in ("-1, 1", "min=-0.5", "max=0.75", "min=-1, max=0.5", "None, 1"):
    for x in ("2,3", "", "0", "7|ties"):
        add(f"clamp(x, {a})", x=x)

# Reductions.
reductions = ("sum", "mean", "amax", "amin", "prod", "logsumexp", "var", "std", "norm")
for name in reductions:
    if name not in ("logsumexp",):
        for x in ("", "7", "2,3", "2,3,4|T") if name not in ("var", "std") else ("7", "2,3", "2,3,4|T"):
            if name in ("amax", "amin"):
                continue
            add(f"{name}(x)", x=x)
    for axis in axes3:
        if (name == "prod" and "[" in axis) or (name == "norm" and axis == "[0, 1, 2]"):
            continue
        for keep in both:
            for options in ("", "|T"):
                add(f"{name}(x, dim={axis}, keepdim={keep})", x="2,3,4" + options)
        if name != "norm":
            add(f"{name}(x, {axis})", x="2,3,4")
for name in ("sum", "prod", "logsumexp"):
    add(f"{name}(x, dim=1)", x="3,0")
add("sum(x)", x="0,3")
add("prod(x)", x="0")
add("mean(x, dim=0)", x="3,0")
for name in ("var", "std"):
    for axis in ("0", "1", "[0, 1]"):
        for u in ("unbiased=True", "unbiased=False", "correction=0", "correction=2"):
            if name in ("var", "std"):
                add(f"{name}(x, dim={axis}, {u})", x="4,3")
                add(f"{name}(x, dim={axis}, keepdim=True, {u})", x="4,3")
for p in ("0", "1", "2", "3", "2.5", "inf", "-inf", "'fro'"):
    for d in ("0", "1", "[0, 1]", "None"):
        for keep in both:
            if d == "None":
                add(f"norm(x, p={p})", x="3,4")
            else:
                add(f"norm(x, p={p}, dim={d}, keepdim={keep})", x="3,4|distinct|0.5:1")
for name in ("amax", "amin"):
    for d in ("0", "1", "[0, 1]"):
        add(f"{name}(x, dim={d})", x="3,4|ties")
for name in ("max", "min", "median"):
    for x in ("7|distinct", "2,3|distinct", "1", "", "2,3,4|distinct|T"):
        add(f"{name}(x)", x=x)
    for d in ("0", "1", "-1"):
        for keep in both:
            add(f"{name}(x, dim={d}, keepdim={keep})", x="3,4,2|distinct")
            add(f"{name}(x, {d}, {keep})", x="3,5,2|distinct")
for name in ("max", "min"):
    add(f"{name}(x)", x="9|ties")
for name in ("argmax", "argmin"):
    for x in ("7", "2,3", "4,3|T", "5,3|ties"):
        add(f"{name}(x)", x=x) if "ties" not in x else None
        for d in ("0", "-1"):
            for keep in both:
                add(f"{name}(x, dim={d}, keepdim={keep})", x=x + "|distinct" if "ties" not in x else "3,4|distinct")
for name in ("cumsum", "cumprod"):
    for x in ("7", "2,3", "2,3,4|T", "4,0", "3,1"):
        for d in ("0", "-1"):
            add(f"{name}(x, dim={d})", x=x)
    add(f"{name}(x, 1)", x="3,5|-1:1|ties")
for d in ("0", "1"):
    for keep in both:
        add(f"prod(x, dim={d}, keepdim={keep})", x="4,5|-1:1|ties")
add("prod(x)", x="6|-1:1|ties")
for name in ("all", "any", "count_nonzero"):
    for x in ("7|-1:1|ties", "2,3|b", "4,3|0:2|i"):
        add(f"{name}(x)", x=x)
        add(f"{name}(x, dim=0)", x=x)
        if name != "count_nonzero":
            for keep in both:
                add(f"{name}(x, dim=-1, keepdim={keep})", x=x)
for k in ("1", "2", "4"):
    for d in ("0", "-1"):
        for largest in both:
            add(f"topk(x, {k}, dim={d}, largest={largest})", x="4,5|distinct")
            add(f"argtopk(x, k={k}, dim={d}, largest={largest}, sorted=True)", x="4,5|distinct")
for d in ("0", "1", "-1"):
    for desc in both:
        for x in ("4,5|distinct", "3,4,2|distinct|T", "1,1"):
            add(f"sort(x, dim={d}, descending={desc})", x=x)
            add(f"argsort(x, dim={d}, descending={desc})", x=x)
for name in ("softmax", "log_softmax"):
    for x in ("5", "2,3", "2,3,4", "2,3,4|T", "3,1", "0,3", "2,3|-100:100"):
        for d in ("0", "-1"):
            add(f"{name}(x, dim={d})", x=x)
            add(f"{name}(x, {d})", x=x)
    for d in ("1", "-2"):
        add(f"{name}(x, dim={d})", x="2,3,4,2")

# Linear algebra.
for s, t in (("3", "3"), ("2,3", "3"), ("3", "3,4"), ("2,3", "3,4"), ("5,2,3", "3,4"), ("5,2,3", "5,3,4"),
             ("2,1,2,3", "5,3,2"), ("2,3|T", "3,4|T"), ("0,3", "3,2"), ("2,0", "0,3"), ("1,1", "1,1"), ("3", "2,3,4"),
             ("2,4,3", "3"), ("33,17", "17,29")):
    add("matmul(x, y)", x=s, y=t)
    add("x @ y", x=s, y=t)
add("dot(x, y)", x="5", y="5")
add("outer(x, y)", x="3", y="4")
add("x.T @ y", x="3,2", y="3,4")
for equation, shapes in {
        "ij,jk->ik": ("2,3", "3,4"), "ij,kj->ik": ("2,3", "4,3"), "bij,bjk->bik": ("2,2,3", "2,3,4"), "ij->ji": ("2,3",),
        "ij->": ("2,3",), "ij->j": ("2,3",), "ii->i": ("3,3",), "ii": ("3,3",), "i,j->ij": ("2", "3"),
        "i,i": ("4", "4"), "ij,jk": ("2,3", "3,2"), "...ij,...jk->...ik": ("2,2,3", "2,3,2"), "b...->...": ("2,3,2",),
        "ij,jk,kl->il": ("2,3", "3,2", "2,4"), "bhid,bhjd->bhij": ("2,2,3,2", "2,2,4,2"), "ijk,k->ij": ("2,3,4", "4"),
        "i...,j->...ij": ("2,3", "4"), "ij,ij->ij": ("2,3", "2,3"), "abc,cba->b": ("2,3,4", "4,3,2"),
        "n,nd->d": ("3", "3,2"), "ab,bc,cd,da->": ("2,3", "3,2", "2,3", "3,2"), "ij, jk -> ik": ("2,3", "3,2")}.items():
    letters = "xyzw"[:len(shapes)]
    for options in ("", "|T"):
        add(f"einsum('{equation}', {', '.join(letters)})", **{n: s + options for n, s in zip(letters, shapes)})
for x in ("3,3", "2,3", "4,2"):
    add("trace(x)", x=x) if x == "3,3" else None
    for d in ("", ", 1", ", diagonal=-1", ", 2"):
        add(f"tril(x{d})", x=x)
        add(f"triu(x{d})", x=x)
        if d != ", 2":
            add(f"diag(x{d})", x=x)
for d in ("", ", 1", ", diagonal=-2"):
    add(f"diag(x{d})", x="3")
    add(f"tril(x{d})", x="2,3,3")
    add(f"triu(x{d})", x="2,3,4|T")
for x, eye in (("1,1", "1"), ("2,2", "2"), ("3,3", "3"), ("2,4,4", "4"), ("2,2,3,3", "3"), ("3,3|T", "3")):
    for f in ("inverse", "det", "logdet", "slogdet"):
        add(f"{f}(x + 4 * eye({eye}))" + ("[1]" if f == "slogdet" else ""), x=x)
    add(f"det(x)", x=x)
    add(f"slogdet(x)[0]", x=x)
    add(f"cholesky(x @ transpose(x, -2, -1) + 2 * eye({eye}))", x=x)
    add(f"cholesky(x @ transpose(x, -2, -1) + 2 * eye({eye}), upper=True)", x=x)
    n = eye
    batch = ",".join(x.split("|")[0].split(",")[:-2])
    add(f"solve(x + 4 * eye({eye}), y)", x=x, y=(batch + "," if batch else "") + f"{n},2")
add("solve(x + 4 * eye(3), y)", x="3,3", y="3")
add("solve(x + 4 * eye(3), y)", x="2,3,3", y="3,2")
add("affine(x, W, b)", x="4,3", W="3,2", b="2")
for a, inputs in (("x, w", dict(x="4,3", w="2,3")), ("x, w, b", dict(x="4,3", w="2,3", b="2")),
                  ("x, w, b", dict(x="2,4,3", w="2,3", b="2")), ("x, w, bias=b", dict(x="3", w="2,3", b="2")),
                  ("x, weight=w, bias=b", dict(x="0,3", w="2,3", b="2")), ("x, w, b", dict(x="33,19|T", w="21,19|T", b="21"))):
    add(f"linear({a})", **inputs)
