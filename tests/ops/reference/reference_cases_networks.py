# Shapes, indices, windows, norms and losses: more cases for make_reference.py.
for shape, sizes in (("2,6", ("3, 4", "-1", "2, -1, 2", "1, 12")), ("0,3", ("3, 0", "0")), ("", ("1", "1, 1")),
                     ("2,3,4|T", ("6, 4", "4, 3, 2", "-1"))):
    for s in sizes:
        add(f"reshape(x, [{s}])", x=shape)
for x in ("2,3,4", "2,3,4|T", "5", "", "0,3"):
    add("flatten(x)", x=x)
    add("squeeze(x)", x=x)
    for d in ("0", "-1"):
        add(f"unsqueeze(x, {d})", x=x)
        add(f"unsqueeze(x, dim={d})", x=x)
for a in ("1", "0, 1", "1, 2", "start_dim=1, end_dim=-1", "-2"):
    add(f"flatten(x, {a})", x="2,3,4,2")
for x in ("1,3,1,2", "3,1|T", "1,1"):
    for d in ("", ", 0", ", -1", ", dim=1"):
        add(f"squeeze(x{d})", x=x)
for a, x in (("[2, 3]", "3"), ("[2, 3]", "1,3"), ("[4, -1, 2]", "3,1"), ("[2, 0]", "2,1"), ("[3, 2]", "")):
    add(f"expand(x, {a})", x=x)
for p in ("[0, 1, 2]", "[2, 0, 1]", "[-1, 0, 1]", "[1, 0, 2]"):
    add(f"permute(x, {p})", x="2,3,4")
    add(f"permute(x, dims={p}) * 2", x="2,3,4|T")
for a in ("0, 1", "-1, 0", "dim0=1, dim1=2"):
    add(f"transpose(x, {a})", x="2,3,4")
for d in ("0", "1", "-1"):
    for x, y in (("2,3", "2,3"), ("2,3|T", "2,3")):
        add(f"cat([x, y], dim={d})", x=x, y=y)
        add(f"stack([x, y, x], dim={d})", x=x, y=y)
add("cat([x, y, x], 0)", x="1,3", y="4,3")
add("cat([x, y], 1)", x="2,0", y="2,3")
for d in ("0", "1"):
    for i in ("0", "1"):
        add(f"split(x, 2, dim={d})[{i}]", x="4,6")
        add(f"chunk(x, 2, dim={d})[{i}]", x="4,6")
        add(f"split(x, [1, 3], dim={d})[{i}]", x="4,4")
add("split(x, 3)[1]", x="5,2")
add("chunk(x, 3)[2]", x="7")
for d in ("[0]", "[1]", "[0, 1]", "[-1, 0]"):
    for x in ("2,3", "3,4,2|T"):
        add(f"flip(x, {d})", x=x)
for a in ("1, 0", "-2, 1", "shifts=2, dims=-1", "[1, 2], [0, 1]", "3", "7, 0"):
    add(f"roll(x, {a})", x="3,4")
for r in ("[2, 3]", "[1, 2]", "[2, 1, 2]", "[0, 1]"):
    add(f"tile(x, {r})", x="2,3")
    add(f"repeat(x, {r})", x="2,3|T")
add("tile(x, [2])", x="2,3")
for p in ("[1, 2]", "[1, 2, 0, 1]", "[-1, 1]", "[2, 0, -1, 1]"):
    add(f"pad(x, {p})", x="2,3,4")
    add(f"pad(x, {p}, mode='constant', value=1.5)", x="3,4|T")
for mode in ("reflect", "replicate", "circular"):
    add(f"pad(x, [1, 2], mode='{mode}')", x="2,3,4")
    add(f"pad(x, [1, 0, 2, 1], mode='{mode}')", x="1,2,3,4")
    add(f"pad(x, [2, 1], '{mode}')", x="1,3,4|T")
for e in ("x[1]", "x[-1]", "x[:, 1]", "x[:, 1:3]", "x[::2]", "x[1:, ..., 0]", "x[..., None]", "x[None]", "x[0, 1, 2]",
          "x[:, None, 1:]", "x[1:1]", "x[0:2, :, 1::2]", "x.T", "x[[0, 2]]"):
    add(e, x="3,4,5") if e != "x.T" else add(e, x="3,4")
    add(e, x="3,4,5|T") if e != "x.T" else add(e, x="3,4|T")

for d, s in (("0", "5"), ("1", "4"), ("-1", "2")):
    add(f"index_select(x, {d}, i)", x="5,4", i=f"{s}|0:4|i")
    add(f"index_select(x, dim={d}, index=i)", x="5,4|T", i=f"{s}|0:4|i")
for d, i in (("0", "2,4"), ("1", "5,3"), ("-1", "5,1"), ("0", "1,2")):
    add(f"gather(x, {d}, i)", x="5,4", i=f"{i}|0:4|i")
    add(f"scatter_add(x, {d}, i, y)", x="5,4", i=f"{i}|0:4|i", y=i)
    add(f"scatter_add(x, dim={d}, index=i, src=y)", x="5,4|T", i=f"{i}|0:4|i", y=i + "|T")
add("take_along_dim(x, i, dim=1)", x="5,4", i="5,2|0:4|i")
add("take_along_dim(x, i, 0)", x="5,4", i="2,4|0:5|i")
add("take_along_dim(x, i)", x="5,4", i="7|0:20|i")
add("take_along_dim(x, i, 1)", x="5,4", i="1,3|0:4|i")
for v in ("0.0", "-1.5", "inf"):
    add(f"masked_fill(x, m, {v})", x="3,4", m="3,4|b")
    add(f"masked_fill(x, m, {v})", x="2,3,4|T", m="4|b")
for a in ("", ", 7", ", num_classes=5"):
    add(f"one_hot(i{a})", i="4|0:5|i")
    add(f"one_hot(i{a})", i="2,3|0:5|i")

# Windows.
images = ("1,2,5,6", "2,4,7,5|last", "2,2,4,4|T")
for x in images:
    c = x.split("|")[0].split(",")[1]
    for a in ("", ", stride=2", ", padding=1", ", stride=(2, 1), padding=(0, 2)", ", dilation=2", ", padding='same'",
              ", 1, 1"):
        k = "3,3" if "dilation" not in a else "2,2"
        add(f"conv2d(x, w{a})" if not a.startswith(", 1") else "conv2d(x, w, None, 1, 1)", x=x, w=f"3,{c},{k}")
        if "same" not in a and not a.startswith(", 1"):
            k = "2,3" if "dilation" not in a else "2,2"
            add(f"conv2d(x, w, b{a})", x=x, w=f"4,{c},{k}", b="4")
    for g in (c, "2"):
        add(f"conv2d(x, w, groups={g}, padding=1)", x=x, w=f"4,{int(c) // int(g)},3,3")
        add(f"conv2d(x, w, b, 2, 1, 1, {g})", x=x, w=f"4,{int(c) // int(g)},3,3", b="4")
    for a in ("", ", stride=2", ", stride=2, padding=1", ", stride=2, output_padding=1", ", dilation=2",
              ", stride=(1, 2), padding=(0, 1)"):
        add(f"conv_transpose2d(x, w{a})", x=x, w=f"{c},3,3,2")
        add(f"conv_transpose2d(x, w, b{a})", x=x, w=f"{c},2,2,3", b="2")
    add("conv_transpose2d(x, w, groups=2)", x=x, w=f"{c},2,3,3")
    add("conv_transpose2d(x, w, b, 2, 1, 1, 2, 1)", x=x, w=f"{c},2,3,3", b="4")
    for a in ("2", "3, 2", "(2, 3)", "3, stride=1, padding=1", "2, 2, 1", "3, 2, ceil_mode=True",
              "3, stride=2, padding=1, ceil_mode=True"):
        for f in ("max_pool2d", "max_pool2d_indices", "avg_pool2d"):
            add(f"{f}(x, {a})", x=x + "|distinct")
    add("max_pool2d(x, 2, stride=1, dilation=2)", x=x + "|distinct")
    add("max_pool2d(x, 2, 1, 0, 2, True)", x=x + "|distinct")
    for a in ("3, stride=2, padding=1, count_include_pad=False", "2, divisor_override=3", "3, 2, 1, True, False",
              "2, stride=1, ceil_mode=True"):
        add(f"avg_pool2d(x, {a})", x=x)
    for s in ("1", "2", "3", "(2, 3)", "(None, 2)", "(5, 1)"):
        add(f"adaptive_avg_pool2d(x, {s})", x=x)
        add(f"adaptive_max_pool2d(x, {s})", x=x + "|distinct")
    if "7,5" not in x:
        add("max_unpool2d(max_pool2d(x, 2), max_pool2d_indices(x, 2), 2)", x=x + "|distinct")
    add("max_unpool2d(max_pool2d(x, 2), max_pool2d_indices(x, 2), 2, output_size=(%s, %s))"
        % tuple(x.split("|")[0].split(",")[2:]), x=x + "|distinct")
    for a in ("2", "(2, 3), padding=1", "3, stride=2", "2, dilation=2", "2, 1, 1, 2"):
        add(f"unfold(x, {a})", x=x)
        add(f"im2col(x, {a})", x=x)
    for a in ("3", "2, alpha=0.5, beta=0.5, k=2.0", "5, 0.1, 0.75, 1.0"):
        add(f"local_response_norm(x, {a})", x=x)
    for a in ("size=3", "size=(7, 2)", "scale_factor=2", "scale_factor=2, mode='nearest'", "scale_factor=0.5",
              "size=(4, 9), mode='bilinear'", "scale_factor=2, mode='bilinear'", "size=(3, 3), mode='bilinear', align_corners=True",
              "scale_factor=1.5, mode='bilinear', align_corners=False", "scale_factor=(2, 0.5), mode='bilinear'"):
        add(f"interpolate(x, {a})", x=x)
for x in ("2,3,6,7", "1,3,8,6|last"):
    for k, stride, p, d in itertools.product((1, 2, 3), (1, 2, 3), (0, 1), (1, 2)):
        add(f"conv2d(x, w, b, stride={stride}, padding={p}, dilation={d})", x=x, w=f"2,3,{k},{k}", b="2")
        if p <= k // 2:
            for ceil in both:
                add(f"max_pool2d(x, {k}, {stride}, {p}, {d}, ceil_mode={ceil})", x=x + "|distinct")
                if d == 1:
                    add(f"avg_pool2d(x, {k}, {stride}, {p}, ceil_mode={ceil})", x=x)
for size, k, a in (("4, 5", "2", ""), ("5, 5", "3", ", padding=1"), ("5, 6", "(2, 3)", ", stride=2"),
                   ("6, 6", "2", ", dilation=2")):
    ks = (2, 2) if k == "2" else (3, 3) if k == "3" else (2, 3)
    h, w = (int(v) for v in size.split(","))
    p, st, d = (1 if "padding" in a else 0), (2 if "stride" in a else 1), (2 if "dilation" in a else 1)
    count = lambda n, kk: (n + 2 * p - d * (kk - 1) - 1) // st + 1
    for f in ("fold", "col2im"):
        add(f"{f}(x, ({size}), {k}{a})", x=f"2,{3 * ks[0] * ks[1]},{count(h, ks[0]) * count(w, ks[1])}")
for x, r in (("1,4,2,3", "2"), ("2,9,2,2", "3"), ("2,8,3,2|last", "2")):
    add(f"pixel_shuffle(x, {r})", x=x)
for x in ("2,3,8", "1,3,7|T"):
    for a in ("", ", stride=2", ", padding=1", ", dilation=2", ", padding='same'"):
        add(f"conv1d(x, w{a})", x=x, w="4,3,3")
    add("conv1d(x, w, b, 2, 1)", x=x, w="4,3,2", b="4")
    add("conv1d(x, w, groups=3)", x=x, w="6,1,3")
add("conv2d(x, w, b)", x="2,5,6", w="3,2,3,3", b="3")
add("max_pool2d(x, 2)", x="2,5,6|distinct")
add("avg_pool2d(x, 2)", x="2,5,6")
add("conv2d(x, w, b, padding=2, stride=3)", x="3,1,9,9", w="5,1,5,5", b="5")

# Norms, dropout that is off, embedding, attention.
for x in ("6,3", "4,3,5", "2,3,4,5", "2,4,3,3|last", "3,2,4,4|T"):
    c = x.split("|")[0].split(",")[1]
    add("batch_norm(x, None, None, training=True)", x=x)
    add("batch_norm(x, None, None, w, b, True)", x=x, w=c, b=c)
    add("batch_norm(x, m, v, w, b)", x=x, m=c + "|-1:1|const", v=c + "|0.5:2|const", w=c, b=c)
    add("batch_norm(x, m, v, eps=0.5)", x=x, m=c + "|-1:1|const", v=c + "|0.5:2|const")
    add("batch_norm(x, None, None, weight=w, training=True, eps=0.125)", x=x, w=c)
    if x.count(",") > 1:
        add("instance_norm(x)", x=x)
        add("instance_norm(x, weight=w, bias=b, eps=0.25)", x=x, w=c, b=c)
    for g in ("1", c):
        if x == "6,3" and g == c:
            continue  # groups of one number: only rounding would be compared
        add(f"group_norm(x, {g})", x=x)
        add(f"group_norm(x, {g}, w, b, 0.125)", x=x, w=c, b=c)
add("group_norm(x, 2, w, b)", x="2,4,3", w="4", b="4")
for x, n in (("4,5", "5"), ("2,3,4", "4"), ("2,3,4", "3,4"), ("2,3,4|T", "4")):
    add(f"layer_norm(x, [{n}])", x=x)
    add(f"layer_norm(x, [{n}], w, b)", x=x, w=n, b=n)
    add(f"layer_norm(x, normalized_shape=[{n}], weight=w, eps=0.5)", x=x, w=n)
    add(f"rms_norm(x, [{n}], eps=0.125)", x=x)
    add(f"rms_norm(x, [{n}], w, 0.001)", x=x, w=n)
for a in ("0.5, False", "p=0.0", "0.3, training=False"):
    add(f"dropout(x, {a})", x="3,4")
for i in ("4|0:5|i", "2,3|0:5|i", "0|0:5|i"):
    add("embedding(i, w)", i=i, w="5,3")
    add("embedding(i, w, padding_idx=1)", i=i, w="5,3")
for q, k in (("3,4", "5,4"), ("2,3,4", "2,5,4"), ("2,2,3,4", "2,2,3,4")):
    v = k[:-1] + "2"
    s = k.split(",")[-2]
    add("scaled_dot_product_attention(q, k, v)", q=q, k=k, v=v)
    add("scaled_dot_product_attention(q, k, v, attn_mask=m)", q=q, k=k, v=v, m=f"3,{s}|-1:1")
    add("scaled_dot_product_attention(q, k, v, is_causal=True)", q=q, k=k, v=v)

# Losses.
for r in ("", ", reduction='mean'", ", reduction='sum'", ", reduction='none'"):
    for x in ("7", "4,3", "2,3,2|T"):
        for f in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
            add(f"{f}(x, y{r})", x=x, y=x.split("|")[0])
        add(f"smooth_l1_loss(x, y, beta=0.5{r})", x=x, y=x.split("|")[0])
        add(f"huber_loss(x, y, delta=0.75{r})", x=x, y=x.split("|")[0])
        s = x.split("|")[0]
        add(f"binary_cross_entropy(x, y{r})", x=s + "|0.0625:0.9375", y=s + "|0:1")
        add(f"binary_cross_entropy(x, y, weight=w{r})", x=s + "|0.0625:0.9375", y=s + "|0:1", w=s + "|0:2|const")
        add(f"binary_cross_entropy_with_logits(x, y{r})", x=x, y=s + "|0:1")
        add(f"binary_cross_entropy_with_logits(x, y, w{r})", x=x, y=s + "|0:1", w=s + "|0:2|const")
        add(f"binary_cross_entropy_with_logits(x, y, pos_weight=p{r})", x=x, y=s + "|0:1", p=s.split(",")[-1] + "|0.5:2|const")
        add(f"kl_div(x, y{r})", x=s + "|-4:0", y=s + "|0.125:1")
        add(f"kl_div(x, y, log_target=True{r})", x=s + "|-4:0", y=s + "|-4:0")
    add(f"kl_div(x, y, reduction='batchmean')", x="4,3|-4:0", y="4,3|0.125:1")
    for x, t in (("4,3", "4"), ("2,5,3", "2,3"), ("2,3,2,2", "2,2,2"), ("33,10", "33")):
        c = x.split(",")[1]
        add(f"cross_entropy(x, t{r})", x=x, t=f"{t}|0:{c}|i")
        add(f"cross_entropy(x, t, weight=w{r})", x=x, t=f"{t}|0:{c}|i", w=f"{c}|0.5:2|const")
        add(f"cross_entropy(x, t, ignore_index=1{r})", x=x, t=f"{t}|0:{c}|i")
        add(f"cross_entropy(x, t, label_smoothing=0.25{r})", x=x, t=f"{t}|0:{c}|i")
        add(f"cross_entropy(x, t, w, ignore_index=2, label_smoothing=0.125{r})", x=x, t=f"{t}|0:{c}|i", w=f"{c}|0.5:2|const")
        add(f"cross_entropy(x, y{r})", x=x, y=x + "|0:1")
        add(f"cross_entropy(x, y, weight=w, label_smoothing=0.25{r})", x=x, y=x + "|0:1", w=f"{c}|0.5:2|const")
        add(f"nll_loss(x, t{r})", x=x, t=f"{t}|0:{c}|i")
        add(f"nll_loss(x, t, weight=w, ignore_index=0{r})", x=x, t=f"{t}|0:{c}|i", w=f"{c}|0.5:2|const")
    for m in ("", ", margin=0.5"):
        add(f"hinge_embedding_loss(x, 2 * t - 1{m}{r})", x="4,3", t="4,3|0:2|i")
        add(f"triplet_margin_loss(x, y, z{m}{r})", x="4,3", y="4,3", z="4,3")
    add(f"triplet_margin_loss(x, y, z, p=1.0{r})", x="4,3", y="4,3", z="4,3")
    add(f"triplet_margin_loss(x, y, z, swap=True{r})", x="4,3", y="4,3", z="4,3")
for x, y, d in (("4,3", "4,3", ""), ("4,3", "4,3", ", dim=0"), ("2,3,4", "2,3,4", ", -1"), ("4,3", "1,3", ""),
                ("5", "5", ", dim=0")):
    add(f"cosine_similarity(x, y{d})", x=x, y=y)
    add(f"cosine_similarity(x, y{d or ', 1'}, eps=0.5)" if not d.startswith(", dim") else f"cosine_similarity(x, y{d}, eps=0.5)", x=x, y=y)
add("sum_squared_error(x, y)", x="4,3", y="4,3")
add("sum_squared_error(x, y)", x="5", y="5")
add("cross_entropy_error(softmax(x, 1), t)", x="4,3", t="4|0:3|i")
add("detach(x) * x", x="4,3")
for x in ("2,3,7,5", "1,2,8,6|last", "1,1,3,4"):
    for a in ("size=(4, 9)", "size=(13, 3)", "size=(1, 1)", "scale_factor=2", "scale_factor=(1.5, 0.7)",
              "scale_factor=(1.3, 0.6), recompute_scale_factor=True"):
        for mode in ("area", "bicubic", "nearest-exact"):
            add(f"interpolate(x, {a}, mode='{mode}')", x=x)
        add(f"interpolate(x, {a}, mode='bicubic', align_corners=True)", x=x)
for a in ("size=4", "size=11", "scale_factor=2", "scale_factor=0.6"):
    for mode in ("area", "nearest-exact"):
        add(f"interpolate(x, {a}, mode='{mode}')", x="2,3,7")
for f in ("logical_and", "logical_or", "logical_xor"):
    for x, y in (("2,3|b", "3|b"), ("4|0:3|i", "4|0:3|i"), ("3,1|0:2|ties|const", "4|b")):
        add(f"{f}(x, y)", x=x, y=y)
for x in ("5|b", "2,3|0:3|i", "4|0:2|ties|const"):
    add("logical_not(x)", x=x)
for f in ("x & y", "x | y", "x ^ y", "~x", "x * y", "x + y", "maximum(x, y)", "minimum(x, y)", "(x > y) | ~y", "x & (y | ~x)"):
    add(f, x="2,3|b", y="3|b")
for f in ("sum(x)", "any(x)", "all(x)", "sum(x, 1)", "any(x, 1)", "all(x, 0)", "x * 2", "x + 1", "x * 0.5"):
    add(f, x="3,4|b")
add("where(x & (y > 0), y, 0)", x="2,3|b", y="3")
