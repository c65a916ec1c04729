using Runner.Jobs;

namespace Runner.Cli;

/// <summary>What the program has to say besides its output: one line each, and nothing in it that a terminal would act on.</summary>
static class Complaint
{
    public static void Say(this TextWriter error, string sentence) => error.WriteLine($"runner: {Quoted.Line(sentence)}");
}
