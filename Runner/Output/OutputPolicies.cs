namespace Runner.Output;

/// <summary>What is done with too much output, in the words that people and scripts use.</summary>
static class OutputPolicies
{
    private static readonly (OutputPolicy Policy, string Word)[] s_words =
        [(OutputPolicy.KeepTail, "keep-tail"), (OutputPolicy.KeepHead, "keep-head"), (OutputPolicy.StopJob, "stop-job")];

    /// <summary>Every word there is, for who typed another one.</summary>
    public static string Words { get; } = "keep-tail, keep-head or stop-job";

    /// <summary>Null: no such word.</summary>
    public static OutputPolicy? Of(string word) => s_words.Where(row => row.Word == word).Select(row => (OutputPolicy?)row.Policy).FirstOrDefault();

    public static string? Word(OutputPolicy? policy) => s_words.FirstOrDefault(row => row.Policy == policy).Word;
}
