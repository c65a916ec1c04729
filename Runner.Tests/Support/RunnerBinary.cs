namespace Runner.Tests.Support;

/// <summary>The published program itself, run as its users run it: by words, with nothing of this process's settings.</summary>
static class RunnerBinary
{
    public static string Path { get; } = Find();

    /// <summary>Runs it to its end.</summary>
    public static Task<Ran> RunAsync(params string[] args) => ChildProcess.RunAsync(Path, args, Surroundings());

    /// <summary>A small environment without settings of whoever runs the tests.</summary>
    public static Dictionary<string, string> Surroundings(params (string Name, string Value)[] more)
    {
        var all = new Dictionary<string, string> { ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ["HOME"] = "/nonexistent" };
        foreach (var (name, value) in more) all[name] = value;
        return all;
    }

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("RUNNER_BINARY") is { Length: > 0 } given)
            return File.Exists(given) ? System.IO.Path.GetFullPath(given) : throw new FileNotFoundException($"RUNNER_BINARY names {given}, which is not there; run ./build.sh test");
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = System.IO.Path.GetDirectoryName(folder))
            if (System.IO.Path.Combine(folder, "out", "runner") is var built && File.Exists(built))
                return built;
        throw new FileNotFoundException("there is no out/runner to test; run ./build.sh test");
    }
}

/// <summary>How a program ended and what it wrote.</summary>
public sealed record Ran(int Code, byte[] Bytes, string Error)
{
    public string Output => System.Text.Encoding.UTF8.GetString(Bytes);

    /// <summary>This, if it ended with the code; else the test fails with all that it said.</summary>
    public Ran Expect(int code)
    {
        if (Code != code) Assert.Fail($"ended with code {Code}, not {code}\nstdout: {Output}\nstderr: {Error}");
        return this;
    }

    /// <summary>This, if it ended with the code and said one line with these words, and nothing on standard output.</summary>
    public Ran ExpectRefusal(int code, string words)
    {
        Expect(code);
        Assert.Contains(words, Error, StringComparison.Ordinal);
        Assert.StartsWith("runner: ", Error, StringComparison.Ordinal);
        Assert.Single(Error.TrimEnd('\n').Split('\n'));
        Assert.Empty(Output);
        return this;
    }
}
