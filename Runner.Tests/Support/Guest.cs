using System.Text.Json;

namespace Runner.Tests.Support;

/// <summary>What a script of `EndToEnd/guest-*.sh` told of a virtual machine: lines of a word and its value, and the records of jobs.</summary>
sealed class Guest
{
    private readonly Dictionary<string, JsonElement> _jobs;

    private Guest(string output)
    {
        var lines = output.TrimEnd('\n').Split('\n');
        Lines = lines.Where(line => !line.StartsWith('{')).ToLookup(line => line.Split(' ')[0], line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
        _jobs = lines.Where(line => line.StartsWith('{')).Select(line => JsonDocument.Parse(line).RootElement).ToDictionary(job => job.GetProperty("name").GetString()!);
    }

    /// <summary>The values by their words, each in the order of the lines.</summary>
    public ILookup<string, string> Lines { get; }

    /// <summary>Runs a script, which gets the published program as its first argument, and fails the test with all it said unless it ends well.</summary>
    /// <param name="script">Its file name.</param>
    /// <param name="limit">For the boot and the script.</param>
    /// <param name="options">More options of `vm-run`.</param>
    public static async Task<Guest> RunAsync(string script, TimeSpan limit, params string[] options)
    {
        var ran = await Vm.Run(limit, options, ["bash", Repository.At("Runner.Tests", "EndToEnd", script), RunnerBinary.Path]);
        if (ran.ExitCode != 0) Assert.Fail($"{script} ended with code {ran.ExitCode}\n{ran.Output}\n{ran.Error}");
        return new(ran.Output);
    }

    /// <summary>The one value of a word.</summary>
    public string Line(string word) => Assert.Single(Lines[word]);

    /// <summary>The record of a job by its name.</summary>
    public JsonElement Job(string name) => Assert.Contains(name, _jobs);

    /// <summary>The same; false: there was no such job.</summary>
    public bool HasJob(string name) => _jobs.ContainsKey(name);

    /// <summary>Why a job ended and with which code.</summary>
    public (string? Reason, int Code) EndOf(string name)
    {
        var end = Job(name).GetProperty("end");
        return (end.GetProperty("reason").GetString(), end.GetProperty("code").GetInt32());
    }
}
