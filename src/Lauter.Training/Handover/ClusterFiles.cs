using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lauter.Training.Jobs;
using Lauter.Training.Loop;
using Lauter.Training.Lora;

namespace Lauter.Training.Handover;

/// <summary>The texts of a bundle. Keys are those of LLaMA-Factory and Axolotl; what they call by another name is translated here and nowhere else.</summary>
internal static class ClusterFiles
{
    private const int RowsPerDevice = 4;

    public const string Run = """
        #!/usr/bin/env bash
        # run.sh llamafactory | axolotl: trains in this folder and leaves a PEFT adapter in out/.
        set -euo pipefail
        cd "$(dirname "$0")"
        case "${1:-llamafactory}" in
          llamafactory) exec llamafactory-cli train llamafactory.yaml ;;
          axolotl) exec axolotl train axolotl.yaml ;;
          *) echo "usage: run.sh llamafactory | axolotl" >&2; exit 2 ;;
        esac

        """;

    public static string DatasetInfo(bool preferences, bool validation)
    {
        JsonObject sets = [];
        foreach (var split in validation ? new[] { "train", "validation" } : ["train"])
        {
            JsonObject columns = new() { ["messages"] = "messages" };
            JsonObject set = new() { ["file_name"] = $"{split}.jsonl", ["formatting"] = "sharegpt" };
            if (preferences)
            {
                set["ranking"] = true;
                columns["chosen"] = "chosen";
                columns["rejected"] = "rejected";
            }

            set["columns"] = columns;
            set["tags"] = new JsonObject { ["role_tag"] = "role", ["content_tag"] = "content", ["user_tag"] = "user", ["assistant_tag"] = "assistant", ["system_tag"] = "system" };
            sets[$"lauter_{split}"] = set;
        }

        return sets.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    public static string LlamaFactory(TrainingJob job, ClusterOptions options, string template, bool validation)
    {
        var (lora, o) = (job.Lora!, job.Options);
        var text = new StringBuilder();
        Line("model_name_or_path", options.Base);
        Line("stage", job.Method == TrainingJob.Sft ? "sft" : job.Method == "kto" ? "kto" : "dpo");
        Line("do_train", true);
        Line("finetuning_type", "lora");
        Line("lora_rank", lora.Rank);
        Line("lora_alpha", Alpha(lora));
        Line("lora_dropout", 0);
        Line("lora_target", lora.Targets.Count == LoraOptions.AllTargets.Count ? "all" : string.Join(',', lora.Targets));
        Line("use_rslora", lora.RankStabilised);
        Line("use_dora", lora.WeightDecomposed);
        if (lora.RateRatio != 1)
        {
            Line("loraplus_lr_ratio", lora.RateRatio);
        }

        if (job.Method != TrainingJob.Sft)
        {
            Line("pref_beta", o.Beta);
            Line("pref_loss", job.Method switch { "dpo" => "sigmoid", "kto" => "kto_pair", var other => other });
            if (job.Method == "simpo")
            {
                Line("simpo_gamma", o.Gamma);
            }
        }

        Line("dataset_dir", "data");
        Line("dataset", "lauter_train");
        if (validation)
        {
            Line("eval_dataset", "lauter_validation");
            Line("eval_strategy", "epoch");
        }

        Line("template", template);
        Line("cutoff_len", o.MaximumTokens ?? 2048);
        Line("output_dir", "out/llamafactory");
        Line("overwrite_output_dir", true);
        var (rows, accumulation) = Batch(o, options);
        Line("per_device_train_batch_size", rows);
        Line("gradient_accumulation_steps", accumulation);
        Line("learning_rate", o.LearningRate);
        Line("num_train_epochs", o.Epochs);
        Line("lr_scheduler_type", Scheduler(o));
        Line("warmup_ratio", o.WarmUpFraction);
        Line("weight_decay", o.WeightDecay);
        Line("max_grad_norm", o.ClipNorm);
        Line("bf16", true);
        Line("seed", o.Seed);
        Line("logging_steps", 5);
        Line("save_strategy", "epoch");
        return text.ToString();

        void Line(string key, object value) => text.Append(CultureInfo.InvariantCulture, $"{key}: {Value(value)}\n");
    }

    public static string Axolotl(TrainingJob job, ClusterOptions options, bool tokenised, bool validation)
    {
        var (lora, o) = (job.Lora!, job.Options);
        var (rows, accumulation) = Batch(o, options);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"base_model: {Value(options.Base)}\n");
        Sets("datasets", "train");
        if (validation)
        {
            Sets("test_datasets", "validation");
        }

        if (!tokenised)
        {
            text.Append(CultureInfo.InvariantCulture, $"rl: {(job.Method == "dpo" ? "dpo" : job.Method)}\n");
            text.Append(CultureInfo.InvariantCulture, $"rl_beta: {o.Beta}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"""
            adapter: lora
            lora_r: {lora.Rank}
            lora_alpha: {Alpha(lora)}
            lora_dropout: 0
            lora_target_modules: [{string.Join(", ", lora.Targets)}]
            peft_use_rslora: {Value(lora.RankStabilised)}
            peft_use_dora: {Value(lora.WeightDecomposed)}
            sequence_len: {o.MaximumTokens ?? 2048}
            sample_packing: false
            micro_batch_size: {rows}
            gradient_accumulation_steps: {accumulation}
            num_epochs: {o.Epochs}
            learning_rate: {o.LearningRate}
            lr_scheduler: {Scheduler(o)}
            warmup_ratio: {o.WarmUpFraction}
            weight_decay: {o.WeightDecay}
            max_grad_norm: {o.ClipNorm}
            optimizer: adamw_torch
            bf16: auto
            seed: {o.Seed}
            logging_steps: 5
            saves_per_epoch: 1
            output_dir: out/axolotl

            """);
        return text.ToString();

        void Sets(string key, string split) => text.Append(tokenised
            ? $"{key}:\n  - path: data/{split}-tokens.jsonl\n    ds_type: json\n    split: train\n    type:\n"
            : $"{key}:\n  - path: data/{split}.jsonl\n    ds_type: json\n    split: train\n    type: chat_template.default\n    field_messages: messages\n    field_chosen: chosen\n    field_rejected: rejected\n"
                + "    message_property_mappings: { role: role, content: content }\n");
    }

    public static string Slurm(string name, ClusterOptions options) => string.Create(CultureInfo.InvariantCulture, $"""
        #!/usr/bin/env bash
        #SBATCH --job-name={Plain(name)}
        #SBATCH --nodes=1
        #SBATCH --gres=gpu:{options.Gpus}
        #SBATCH --cpus-per-task={8 * options.Gpus}
        #SBATCH --time={options.Hours}:00:00
        #SBATCH --output=slurm-%j.log
        # sbatch slurm.sbatch [llamafactory | axolotl], from this folder, in an environment that has the tool.
        set -euo pipefail
        srun bash run.sh "$@"

        """);

    public static string Kubernetes(string name, ClusterOptions options) => string.Create(CultureInfo.InvariantCulture, $"""
        # The folder lies on a volume claim called lauter-bundle; the image is LLaMA-Factory's. kubectl apply -f kubernetes.yaml
        apiVersion: batch/v1
        kind: Job
        metadata:
          name: {Plain(name)}
        spec:
          backoffLimit: 0
          activeDeadlineSeconds: {3600L * options.Hours}
          template:
            spec:
              restartPolicy: Never
              containers:
                - name: train
                  image: {Value(options.Image)}
                  command: ["bash", "/bundle/run.sh", "llamafactory"]
                  resources:
                    limits:
                      nvidia.com/gpu: {options.Gpus}
                  volumeMounts:
                    - {"{"} name: bundle, mountPath: /bundle {"}"}
                    - {"{"} name: shm, mountPath: /dev/shm {"}"}
              volumes:
                - {"{"} name: bundle, persistentVolumeClaim: {"{"} claimName: lauter-bundle {"}"} {"}"}
                - {"{"} name: shm, emptyDir: {"{"} medium: Memory {"}"} {"}"}

        """);

    public static string Readme(TrainingJob job, ClusterOptions options, int training, int validation) => string.Create(CultureInfo.InvariantCulture, $"""
        # {job.Name}
        {job.Method} on {options.Base}: {training} rows to train on, {validation} to measure on, LoRA of rank {job.Lora!.Rank}.

        | where | command |
        |---|---|
        | a machine with GPUs | `bash run.sh llamafactory` or `bash run.sh axolotl` |
        | Slurm | `sbatch slurm.sbatch axolotl` |
        | Kubernetes | put this folder on the volume claim `lauter-bundle`, then `kubectl apply -f kubernetes.yaml` |
        | Ray | `ray job submit --working-dir . -- bash run.sh axolotl` |

        The adapter is in `out/`. Bring that folder back and take it in:

            lauter train THE-SAME.yaml --import out/axolotl

        That merges it into the base of the training file and compares, on the validation rows, base and adapter in llama.cpp with the merged model in Lauter's own pass;
        an adapter that makes the rows less likely than the base alone is refused.

        Axolotl's supervised rows (`data/*-tokens.jsonl`) are token ids and labels as Lauter will serve them. LLaMA-Factory renders `data/*.jsonl` by a template of its own: check
        that `template` in `llamafactory.yaml` is the model's, or the model will be served with another one than it was trained with. No file here was run by the tools it is for
        when it was written; they change their keys now and then.

        """);

    private static (int Rows, int Accumulation) Batch(TrainingOptions o, ClusterOptions cluster)
    {
        var rows = Math.Clamp(o.BatchExamples / cluster.Gpus, 1, RowsPerDevice);
        return (rows, Math.Max(1, (int)Math.Round(o.BatchExamples / (double)(rows * cluster.Gpus))));
    }

    private static double Alpha(LoraOptions lora) => lora.Alpha ?? 2.0 * lora.Rank;

    private static string Scheduler(TrainingOptions o) => o.Schedule switch
    {
        Schedule.Cosine => "cosine", Schedule.Linear => "linear", Schedule.Constant => "constant_with_warmup", _ => "constant_with_warmup",
    };

    private static string Value(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        string text => JsonSerializer.Serialize(text),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    /// <summary>A name that job schedulers take.</summary>
    private static string Plain(string name)
    {
        var plain = new string([.. name.ToLowerInvariant().Select(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' ? c : '-')]).Trim('-');
        return plain.Length == 0 ? "lauter" : plain[..Math.Min(50, plain.Length)].TrimEnd('-');
    }
}
