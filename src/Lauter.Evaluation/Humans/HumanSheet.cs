using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lauter.Evaluation.Humans;

/// <summary>
/// The tasks as one HTML file that a rater opens without network or server: Simplified Chinese and English, keys 1, 2, 3 and the arrows, progress kept in the
/// browser, answers saved as JSONL. Texts are set as text, never as markup.
/// </summary>
public static class HumanSheet
{
    /// <summary>The page.</summary>
    public static string Render(HumanTaskSet set)
    {
        // The serializer's own encoder escapes <, > and &, so no task can end the script that carries it.
        var data = new JsonObject { ["set"] = set.Hash, ["pairs"] = set.IsPairs, ["tasks"] = new JsonArray([.. set.Tasks.Select(t => (JsonNode)HumanTaskSet.Task(t))]) }.ToJsonString(JsonSerializerOptions.Default);
        return Page.Replace("\"DATA\"", data, StringComparison.Ordinal);
    }

    private const string Page = """
        <!doctype html>
        <html lang="zh-CN">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
        <title>Lauter</title>
        <style>
          :root { color-scheme: light dark; font: 16px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; }
          body { max-width: 72rem; margin: 0 auto; padding: 1rem; }
          header, footer { display: flex; gap: .75rem; align-items: center; flex-wrap: wrap; }
          header > span { margin-left: auto; }
          progress { flex: 1; min-width: 8rem; }
          .text { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #8886; border-radius: .5rem; padding: .75rem; margin: .25rem 0 1rem; }
          .sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; }
          h2 { font-size: 1rem; margin: 0; color: #888; }
          button { font: inherit; padding: .5rem 1rem; border-radius: .5rem; border: 1px solid #8886; background: none; cursor: pointer; }
          button.chosen { background: #0b6e4f; border-color: #0b6e4f; color: #fff; }
          input { font: inherit; padding: .4rem; }
        </style>
        <header><label><span id="nameLabel"></span> <input id="rater" autocomplete="off"></label><progress id="bar" value="0"></progress><b id="count"></b><span><button id="language"></button></span></header>
        <p id="help"></p>
        <h2 id="questionLabel"></h2><div class="text" id="question"></div>
        <div id="referencePart"><h2 id="referenceLabel"></h2><div class="text" id="reference"></div></div>
        <div class="sides"><div><h2 id="leftLabel"></h2><div class="text" id="left"></div></div><div id="rightPart"><h2 id="rightLabel"></h2><div class="text" id="right"></div></div></div>
        <footer><button id="back">←</button><span id="choices"></span><button id="next">→</button><button id="save"></button></footer>
        <script>
        "use strict";
        const data = "DATA";
        const words = {
          "zh-CN": { name: "评审人", question: "问题", reference: "参考答案", left: data.pairs ? "回答 1" : "回答", right: "回答 2", save: "导出答案", other: "English",
            help: data.pairs ? "哪个回答更好？按 1、2 选择，按 3 表示不分高下；← → 翻页。两个回答的左右次序是随机的。" : "这个回答是否可以接受？按 1 表示通过，按 2 表示不通过；← → 翻页。",
            choices: data.pairs ? [["left", "1 更好"], ["right", "2 更好"], ["tie", "不分高下"]] : [["pass", "通过"], ["fail", "不通过"]], missing: "请先填写评审人。", open: n => `还有 ${n} 条未作答，仍要导出吗？` },
          "en": { name: "Rater", question: "Question", reference: "Reference", left: data.pairs ? "Answer 1" : "Answer", right: "Answer 2", save: "Save answers", other: "中文",
            help: data.pairs ? "Which answer is better? Keys 1 and 2, or 3 for neither; ← → to turn pages. The order of the two answers is random." : "Is this answer acceptable? Key 1 for pass, 2 for fail; ← → to turn pages.",
            choices: data.pairs ? [["left", "1 is better"], ["right", "2 is better"], ["tie", "Neither"]] : [["pass", "Pass"], ["fail", "Fail"]], missing: "Please enter the rater's name first.", open: n => `${n} items are not answered yet. Save anyway?` },
        };
        const $ = id => document.getElementById(id);
        const place = "lauter-" + data.set;
        let state = { language: (navigator.language || "").startsWith("zh") ? "zh-CN" : "en", rater: "", at: 0, answers: {} };
        try { state = Object.assign(state, JSON.parse(localStorage.getItem(place) || "{}")); } catch { /* a browser without storage keeps nothing over a restart */ }
        let shown = Date.now();
        const keep = () => { try { localStorage.setItem(place, JSON.stringify(state)); } catch { /* as above */ } };
        const choose = choice => {
          const task = data.tasks[state.at];
          state.answers[task.id] = { choice, seconds: Math.round((Date.now() - shown) / 1000) };
          if (state.at < data.tasks.length - 1) state.at++;
          draw();
        };
        const turn = by => { state.at = Math.min(data.tasks.length - 1, Math.max(0, state.at + by)); draw(); };
        function draw() {
          const w = words[state.language], task = data.tasks[state.at], done = Object.keys(state.answers).length;
          document.documentElement.lang = state.language;
          $("nameLabel").textContent = w.name; $("rater").value = state.rater; $("help").textContent = w.help; $("language").textContent = w.other; $("save").textContent = w.save;
          $("questionLabel").textContent = w.question; $("question").textContent = task.question; $("leftLabel").textContent = w.left; $("left").textContent = task.left;
          $("rightPart").hidden = task.right === undefined; $("rightLabel").textContent = w.right; $("right").textContent = task.right ?? "";
          $("referencePart").hidden = task.reference === undefined; $("referenceLabel").textContent = w.reference; $("reference").textContent = task.reference ?? "";
          $("bar").max = data.tasks.length; $("bar").value = done; $("count").textContent = `${state.at + 1} / ${data.tasks.length} (${done})`;
          $("choices").replaceChildren(...w.choices.map(([value, label]) => {
            const button = document.createElement("button");
            button.textContent = label; button.className = state.answers[task.id]?.choice === value ? "chosen" : ""; button.dataset.choice = value; button.onclick = () => choose(value);
            return button;
          }));
          shown = Date.now();
          keep();
        }
        $("rater").oninput = e => { state.rater = e.target.value.trim(); keep(); };
        $("language").onclick = () => { state.language = state.language === "en" ? "zh-CN" : "en"; draw(); };
        $("back").onclick = () => turn(-1);
        $("next").onclick = () => turn(1);
        $("save").onclick = () => {
          const w = words[state.language], open = data.tasks.filter(t => !state.answers[t.id]).length;
          if (!state.rater) { alert(w.missing); $("rater").focus(); return; }
          if (open && !confirm(w.open(open))) return;
          const lines = data.tasks.filter(t => state.answers[t.id]).map(t => JSON.stringify({ set: data.set, rater: state.rater, id: t.id, ...state.answers[t.id] }) + "\n");
          const link = document.createElement("a");
          link.href = URL.createObjectURL(new Blob(lines, { type: "application/x-ndjson" }));
          link.download = `answers-${state.rater}.jsonl`;
          link.click();
        };
        document.onkeydown = e => {
          if (e.target.tagName === "INPUT") return;
          const choice = words.en.choices[Number(e.key) - 1];
          if (choice) choose(choice[0]); else if (e.key === "ArrowLeft") turn(-1); else if (e.key === "ArrowRight") turn(1);
        };
        draw();
        </script>
        </html>

        """;
}
